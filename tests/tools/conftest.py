"""The worlds of the services' tests, for the tools."""

from services.conftest import either, lone, world

__all__ = ["either", "lone", "world"]
