"""The catalogue as commands."""
