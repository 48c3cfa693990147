"""What we write as Avro IDL is read back by Avro's own IDL parser (Java, from Maven) as the same schema."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from domain.avro_schemas import schemas
from live.products.process import CACHE, NotRunError, fetch, tool
from schema_mcp.domain.avro.idl import idl
from schema_mcp.domain.engine import Whole, parse
from schema_mcp.domain.errors import InvalidSchemaError
from schema_mcp.domain.schema import Schema

pytestmark = pytest.mark.live

VERSION = "1.12.1"
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>idl</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.avro</groupId><artifactId>avro-idl</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
"""
READER = """\
import java.nio.file.*;
import org.apache.avro.idl.IdlReader;

public class Back {
  public static void main(String[] files) throws Exception {
    for (String file : files) {
      try {
        System.out.println(new IdlReader().parse(Path.of(file)).getMainSchema());
      } catch (Exception error) {
        System.out.println("ERROR " + String.valueOf(error.getMessage()).replace("\\n", " "));
      }
    }
  }
}
"""
GENERATED = 400

ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "doc": "An order.\n\n  With a doc of its own.",
    "aliases": ["Old", "x.Y"],
    "team": {"name": "a", "numbers": [1, 2.5, None, True]},
    "fields": [
        {"name": "id", "type": "long", "doc": "* a star", "aliases": ["no"], "order": "descending", "pii": True},
        {"name": "record", "type": ["null", "string"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "sum", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "text", "type": {"type": "string", "avro.java.string": "String"}, "default": 'a"b\n\u00ff\\ \u65e5'},
        {"name": "tags", "type": {"type": "array", "items": "string", "java-class": "x"}, "default": []},
        {
            "name": "map",
            "type": {"type": "map", "values": {"type": "fixed", "name": "other.F", "size": 4}},
            "default": {},
        },
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "enum"], "default": "A"}, "default": "A"},
        {"name": "next", "type": ["null", "Order"], "default": None},
        {"name": "f", "type": "double", "default": 1e30},
        {
            "name": "r",
            "type": {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]},
            "default": {"a": -3},
        },
        {"name": "bytes", "type": "bytes", "default": "\u00ff\u0001"},
    ],
}
CASES: dict[str, Any] = {
    "everything": ORDER,
    "words": {"type": "record", "name": "K", "namespace": "com.error.int", "fields": [{"name": "null", "type": "int"}]},
    "array": {"type": "array", "items": {"type": "map", "values": "long"}},
    "primitive": "string",
    "union": [
        "null",
        {"type": "record", "name": "a.B", "fields": []},
        {"type": "enum", "name": "a.C", "symbols": ["X"]},
    ],
    "error": {"type": "error", "name": "Oops", "fields": [{"name": "why", "type": "string"}]},
    "fixed": {"type": "fixed", "name": "D", "size": 8, "logicalType": "decimal", "precision": 10, "scale": 2},
}


@pytest.fixture(scope="module")
def reader() -> list[str]:
    """The command that reads files back, one schema a line."""
    home = CACHE / "avro-idl" / VERSION
    try:
        if not (home / "lib").exists():
            home.mkdir(parents=True, exist_ok=True)
            (home / "pom.xml").write_text(POM)
            copy = ["dependency:copy-dependencies", "-DoutputDirectory=lib.part", "-DincludeScope=runtime"]
            fetch([tool("mvn"), "-B", "-ntp", "-q", *copy], home)
            (home / "lib.part").rename(home / "lib")
        (home / "Back.java").write_text(READER)
        return [tool("java"), "-Dfile.encoding=UTF-8", "-cp", f"{home / 'lib'}/*", str(home / "Back.java")]
    except NotRunError as error:
        pytest.skip(str(error))


def read_back(reader: list[str], texts: list[str], folder: Path) -> list[str]:
    import subprocess

    files = [folder / f"{number}.avdl" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    done = subprocess.run([*reader, *map(str, files)], capture_output=True, check=True, timeout=300)
    return done.stdout.decode().rstrip("\n").split("\n")


def test_avros_own_parser_reads_the_same_schema(reader: list[str], tmp_path: Path):
    parsed = [parse(Whole(Schema(json.dumps(case)))) for case in CASES.values()]

    back = read_back(reader, [idl(one.root).text for one in parsed], tmp_path)

    for name, one, text in zip(CASES, parsed, back, strict=True):
        assert json.loads(text) == json.loads(one.resolved), name


def test_any_schema_is_read_back_as_it_was(reader: list[str], tmp_path: Path):
    drawn: list[Any] = []

    @settings(max_examples=GENERATED, database=None, suppress_health_check=list(HealthCheck))
    @given(schemas())
    def draw(schema: Any) -> None:
        drawn.append(schema)

    draw()
    said: list[tuple[Any, str]] = []
    for schema in drawn:
        try:
            parsed = parse(Whole(Schema(json.dumps(schema))))
            text, notes = idl(parsed.root)
        except InvalidSchemaError:
            continue
        if not notes:
            said.append((json.loads(parsed.resolved), text))

    back = read_back(reader, [text for _, text in said], tmp_path)

    assert len(said) > GENERATED / 4
    for (schema, text), got in zip(said, back, strict=True):
        assert not re.match("ERROR", got), f"{got}\n{text}"
        assert json.loads(got) == schema, text
