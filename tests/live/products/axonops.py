"""AxonOps Schema Registry, built from its Go module, in memory."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from live.products.process import CACHE, fetch, free_port, listens, running, tool

NAME, VERSION = "AxonOps Schema Registry", "v0.2.1"
COMMAND = "github.com/axonops/axonops-schema-registry/cmd/schema-registry"
MODULE = Path(__file__).with_name("axonops_build")


@contextmanager
def started(folder: Path) -> Generator[str]:
    """A running AxonOps registry. Its folder has to be empty: it reads `$ref` files from there."""
    binary, port = _built(), free_port()
    environ = {"SCHEMA_REGISTRY_HOST": "127.0.0.1", "SCHEMA_REGISTRY_PORT": str(port)}
    with running([str(binary)], folder, lambda: listens(port), **environ):
        yield f"http://127.0.0.1:{port}"


def _built() -> Path:
    binary = CACHE / "axonops" / VERSION / "schema-registry"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copy(MODULE / name, binary.parent)
        fetch([tool("go"), "build", "-mod=readonly", "-o", str(binary), COMMAND], binary.parent)
    return binary
