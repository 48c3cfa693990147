"""What a run against real products came to: kept as data, from which the reference page is written."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


@dataclass
class Run:
    """One product, and how each test of the contract ended there."""

    key: str
    product: str
    version: str
    backend: str = ""
    """Empty for what is no registry."""

    face: str = ""
    date: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    tests: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return " ".join(part for part in (self.product, self.version, self.face) if part)

    def keep(self) -> None:
        """Write it down, unless nothing but the day is new."""
        if not self.tests or set(self.tests.values()) == {"not claimed"}:
            return
        path = RESULTS / f"{self.key}.json"
        told = {name: value for name, value in asdict(self).items() if name != "key"}
        told["tests"] = dict(sorted(self.tests.items()))
        if path.exists() and _timeless(json.loads(path.read_text())) == _timeless(told):
            return
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass
class Session:
    """All runs of one `make live`, and what could not be had."""

    runs: dict[str, Run] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    @property
    def registries(self) -> list[Run]:
        return [run for run in self.runs.values() if run.backend]

    def summary(self) -> list[str]:
        ran = [f"ran: {run.title} ({len(run.tests)} tests)" for run in self.runs.values() if run.tests]
        return [*ran, *(f"NOT RUN: {name}: {why}" for name, why in self.not_run.items())]


def kept() -> list[Run]:
    """The results that are committed."""
    return [
        Run(key=path.stem, **json.loads(path.read_text(encoding="utf-8"))) for path in sorted(RESULTS.glob("*.json"))
    ]


def _timeless(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "date"}
