"""The sample store that comes with the project is a store like any other: it reads clean and deploys."""

import shutil
import subprocess
from pathlib import Path

import pytest

from schema_mcp.app import workspace
from schema_mcp.domain.caller import Caller, Scope
from schema_mcp.domain.schema import SchemaType
from schema_mcp.settings import load
from schema_mcp.toolkit.call import call
from schema_mcp.tools import CATALOGUE

ROOT = Path(__file__).parents[1]
ANN = Caller("Ann", "ann@example.com", frozenset(Scope))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "SCHEMASTORE", tmp_path / "SCHEMASTORE")
    (tmp_path / "registries.yaml").write_text(
        "registries:\n"
        "  dev:     { backend: embedded, path: .schema-mcp/dev.sqlite }\n"
        "  staging: { backend: embedded, path: .schema-mcp/staging.sqlite }\n"
    )
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "SCHEMASTORE"], ["commit", "-q", "-m", "Take the sample"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


async def test_the_sample_store_holds_all_three_languages_with_references_and_no_findings(folder: Path):
    async with workspace(load(folder=folder), patience=None) as opened:
        await opened.store.refresh()
        versions = [one.version for subject in opened.store.subjects() for one in opened.store.history(subject)]

        assert opened.store.findings() == []
        assert {version.schema.type for version in versions} == set(SchemaType)
        assert {version.schema.type for version in versions if version.schema.references} == set(SchemaType)


async def test_the_sample_store_deploys_to_an_empty_registry_and_is_in_sync(folder: Path):
    async with workspace(load(folder=folder), patience=None) as opened:

        async def ask(tool: str, **arguments):
            return await call(CATALOGUE[tool], arguments, caller=ANN, workspace=opened)

        plan = await ask("plan_deployment", registries=["staging"])
        task = await ask("apply_plan", plan=plan.plan)
        drift = await ask("detect_drift", registry="staging")

        assert (plan.blocked_total, task.status, task.done) == (0, "succeeded", plan.total)
        assert drift.in_sync
