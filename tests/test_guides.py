"""What the README and the guides show, run as a reader would run it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")
ELSEWHERE = ("make ", "claude ")
"""Commands of blocks that the suite itself is a part of, or that need somebody else's program."""

TELLING = (0, 3, 4)
"""Exit statuses that answer a question: done, pending, blocked."""


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def commands(block: str) -> list[str]:
    """The commands of a console block: what follows `$ `, lines that go on with it included."""
    return [one.strip("\n") for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def run(script: list[str], folder: Path) -> str:
    """Run commands in one shell, and fail where one of them ends as no answer does."""
    home = folder / "home"
    home.mkdir()
    lines = ["set -u"]
    for number, command in enumerate(script):
        lines += [
            command,
            f"status=$?; case $status in {'|'.join(map(str, TELLING))}) ;; *) exit $((100 + {number}));; esac",
        ]
    names = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    names |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com"}
    environment = {**os.environ, **names, "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # noqa: PLW1510 - its status is what is looked at
        ["bash", "-c", "\n".join(lines)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{script[max(0, done.returncode - 100)]}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def console_pages() -> list[Path]:
    pages = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
    return [page for page in pages if blocks(page, "console")]


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_leads_to_every_guide():
    linked = {(ROOT / link).resolve() for link in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}

    assert sorted(page.name for page in (ROOT / "docs" / "how-to").glob("*.md") if page not in linked) == []


@pytest.mark.parametrize("page", console_pages(), ids=lambda page: page.name)
def test_every_command_of_a_guide_does_what_it_says(page: Path, tmp_path: Path):
    script = [one for block in blocks(page, "console") for one in commands(block) if not one.startswith(ELSEWHERE)]

    assert script
    assert run(script, tmp_path)


def test_the_tutorial_ends_with_two_registries_in_step(tmp_path: Path):
    script = [one for block in blocks(ROOT / "docs" / "tutorial.md", "console") for one in commands(block)]

    said = run([*script, "schema-mcp drift --registry staging --json"], tmp_path)

    assert json.loads(said[said.rindex('{"in_sync') :])["in_sync"] is True


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_every_json_of_a_page_can_be_read(page: Path):
    for block in blocks(page, "json"):
        assert isinstance(json.loads(block), dict)


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_every_link_to_a_file_leads_to_one(page: Path):
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert missing == []


def test_the_tool_of_the_contributing_guide_is_a_tool():
    (example,) = blocks(ROOT / "CONTRIBUTING.md", "python")
    names: dict[str, object] = {"__name__": "schema_mcp.tools.ids"}
    exec(
        "from schema_mcp.domain.caller import Scope\nfrom schema_mcp.services import id_allocation\n"
        "from schema_mcp.toolkit.tool import Effect, Shape, tool\nfrom schema_mcp.toolkit.workspace import Workspace\n"
        f"{example}",
        names,
    )

    made = names["lookup_id"]

    assert (made.name, made.toolset, made.scope) == ("lookup_id", "ids", "read")
