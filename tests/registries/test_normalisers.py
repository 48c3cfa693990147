"""What is said of each product's rewrites is what running it has shown."""

import json
from pathlib import Path

import pytest

from live.rewrites import UNKNOWN, claimed, seen
from schema_mcp.domain.rewrites import Rewrite
from schema_mcp.registries.contract import Capability, Connection
from schema_mcp.registries.dialects import DIALECTS, Dialect
from schema_mcp.registries.guard import GuardedRegistry
from schema_mcp.registries.normalisers import NORMALISERS, normalisers_of
from schema_mcp.registries.plugins import backend

KEPT = sorted((Path(__file__).parents[1] / "live" / "results" / "rewrites").glob("*.json"))


def test_products_were_run():
    assert {path.stem for path in KEPT} >= {"embedded", "axonops", "apicurio-v7", "apicurio-v8"}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_every_rewrite_has_a_rule_and_every_rule_was_seen(path: Path):
    told: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["observed"]
    rules = NORMALISERS[path.stem.partition("-")[0]]

    assert UNKNOWN not in told.values()
    assert seen(told) == claimed(rules)
    assert all(rule.says and rule.seen for rule in rules)


def test_every_dialect_is_spoken_of():
    assert NORMALISERS.keys() == {"embedded", *(dialect.backend for dialect in DIALECTS)}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.backend)
def test_whoever_cannot_keep_ids_numbers_by_itself(dialect: Dialect):
    numbers = any(rule.rewrite is Rewrite.NUMBERS for rule in NORMALISERS[dialect.backend])

    assert numbers == (Capability.KEEPS_IDS in dialect.lacks)


@pytest.mark.parametrize("name", NORMALISERS)
def test_a_guarded_registry_has_the_habits_of_its_product(name: str):
    connection = Connection("dev", backend=name, urls=("http://sr.example.com",) if name != "embedded" else ())

    assert normalisers_of(GuardedRegistry(backend(name)(connection))) == NORMALISERS[name]
