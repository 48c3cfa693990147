"""Take each guard of the security checklist out, in a copy, and see its tests fail.

usage: python -m tests.security.taken_out [ITEM ...]
Nothing here is changed: the copy has an environment of its own that reads the copy's source. Ends with 1 where nobody
missed a guard, or a test failed for another reason than what it asserts.
"""

import os
import re
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from security.guards import GUARDS
from security.guards.guard import Guard

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds for the tests of one guard; what hangs has not failed."""

_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__")
_FAILED = re.compile(r"^FAILED (tests/\S+?::\w+(?:\[.*?\])?)(?: - (.*))?$", re.MULTILINE)
_BROKEN = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "UnboundLocalError")
"""How a test fails that tells of a bad replacement and not of a missing guard."""


class Copy:
    """A copy of the tree, and the tests run in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=_NOT_COPIED)
        venv.create(folder / "python", symlinks=True)
        self._python = folder / "python" / "bin" / "python"
        [packages] = (folder / "python").glob("lib/*/site-packages")
        # First our source, then everything else as it is here; for the processes that tests start, too.
        ours = [f"import site; site.addsitedir({one!r})" for one in site.getsitepackages()]
        (packages / "copy.pth").write_text("\n".join([str(self.root / "src"), *ours, ""]), encoding="utf-8")

    def passes(self, tests: Iterable[str]) -> bool:
        """Do these tests pass as everything is?"""
        done = self._run(tests, 10 * PATIENCE)
        print(done.stdout if done.returncode else "", end="")  # noqa: T201
        return done.returncode == 0

    def failures(self, tests: Iterable[str]) -> dict[str, str]:
        """Which tests fail by what they assert, and what they say; what could not run, or hangs, has not failed."""
        try:
            # What is compiled is told apart from another source by the second and the size only.
            found = _FAILED.findall(self._run(tests, PATIENCE, PYTHONDONTWRITEBYTECODE="1").stdout)
        except subprocess.TimeoutExpired:
            return {}
        return {name: said or "failed" for name, said in found}

    def _run(self, tests: Iterable[str], patience: int, **about: str) -> subprocess.CompletedProcess[str]:
        named = [f"tests/{test}" for test in tests]
        command = [self._python, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *named]
        environ = os.environ | {"COLUMNS": "400", **about}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(
            command, cwd=self.root, env=environ, text=True, start_new_session=True, **pipes
        ) as running:
            try:
                said, _ = running.communicate(timeout=patience)
            finally:
                with suppress(ProcessLookupError):  # with all that the tests have started
                    os.killpg(running.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(command, running.returncode, said)


def proven(copy: Copy, guard: Guard) -> bool:
    """Does every test of a guard fail without it?"""
    changed = guard.taken_out(copy.root)
    whole = {path: path.read_text(encoding="utf-8") for path in changed}
    _write(changed)
    try:
        failures = copy.failures(guard.tests)
    finally:
        _write(whole)
    told = {test: _said(failures, test) for test in guard.tests}
    for test, said in told.items():
        print(f"{guard.item:2}  {guard.places[0].file}  {test}\n      {said[:150] or 'nobody missed it'}", flush=True)  # noqa: T201
    return all(said and not said.startswith(_BROKEN) for said in told.values())


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


def _said(failures: Mapping[str, str], test: str) -> str:
    own = (said for name, said in failures.items() if name == f"tests/{test}" or name.startswith(f"tests/{test}["))
    return next(own, "")


def main(items: Sequence[str]) -> int:
    chosen = [one for one in GUARDS if not items or str(one.item) in items]
    with tempfile.TemporaryDirectory(prefix="schema-mcp-guards-") as folder:
        copy = Copy(Path(folder))
        tests = sorted({test for one in chosen for test in one.tests})
        if not chosen or not copy.passes(tests):
            print("No such item" if not chosen else "These tests fail with every guard in place")  # noqa: T201
            return 1
        missed = sum(proven(copy, one) for one in chosen)
    print(f"{missed} of {len(chosen)} guards were missed when they were gone")  # noqa: T201
    return 0 if missed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
