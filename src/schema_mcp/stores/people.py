"""Who is at work here, by what Git has been told."""

import os
import socket
from pathlib import Path

import pygit2

from schema_mcp.stores.commits import Author


def user(git: Path) -> Author | None:
    """Who Git says is working in this repository, or for this user in all of them (`user.name`, `user.email`)."""
    configs = [pygit2.Config(str(place)) for place in (git / "config", *settings()) if place.is_file()]
    name, email = (next((c[key] for c in configs if key in c), None) for key in ("user.name", "user.email"))
    return Author(name, email) if name and email else None


def settings() -> list[Path]:
    """Where this user's settings for Git are, the stronger first."""
    named = os.environ.get("GIT_CONFIG_GLOBAL")
    if named is not None:
        return [Path(named)]
    home = Path.home()
    return [home / ".gitconfig", Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config"]


def committer(git: Path) -> Author:
    """Who makes commits for others: this server, under the name that Git knows for it where there is one."""
    name, email = (os.environ.get(f"GIT_COMMITTER_{what}", "") for what in ("NAME", "EMAIL"))
    if name and email:
        return Author(name, email)
    return user(git) or Author("schema-mcp", f"schema-mcp@{socket.gethostname()}")
