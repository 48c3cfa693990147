"""Apache Kafka from Maven: one broker that is its own controller, no ZooKeeper."""

import base64
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from live.products.process import CACHE, fetch, free_port, listens, running, tool

NAME, VERSION = "Apache Kafka", "4.1.1"
JAVA = ("-Xms128m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


@contextmanager
def started(folder: Path) -> Generator[str]:
    """A running broker; gives its bootstrap address."""
    port, controller = free_port(), free_port()
    settings = folder / "server.properties"
    settings.write_text(_settings(folder / "data", port, controller))
    java = [tool("java"), *JAVA, "-cp", f"{_fetched() / 'lib'}/*"]
    cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    fetch([*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)], folder)
    with running([*java, "kafka.Kafka", str(settings)], folder, lambda: listens(port)):
        yield f"127.0.0.1:{port}"


def _settings(data: Path, port: int, controller: int) -> str:
    told = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # The log cleaner takes 128 MB at once otherwise, which is the whole heap.
        "log.cleaner.dedupe.buffer.size": 2_097_152,
    }
    return "\n".join(f"{name}={value}" for name, value in told.items()) + "\n"


def _fetched() -> Path:
    home = CACHE / "kafka" / VERSION
    if not (home / "lib").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "pom.xml").write_text(POM)
        copy = ["dependency:copy-dependencies", "-DoutputDirectory=lib.part", "-DincludeScope=runtime"]
        fetch([tool("mvn"), "-B", "-ntp", "-q", *copy], home)
        (home / "lib.part").rename(home / "lib")
    return home
