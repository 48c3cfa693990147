"""Logs: JSON lines, and never a secret."""

import json
import logging
import subprocess
import sys

from schema_mcp.logs import JsonLines


def record(message: str, *args: object, failed: Exception | None = None) -> logging.LogRecord:
    trace = (type(failed), failed, failed.__traceback__) if failed else None
    return logging.LogRecord("schema_mcp.x", logging.WARNING, "x.py", 1, message, args, trace)


def test_a_line_is_json_with_time_level_and_name():
    line = json.loads(JsonLines().format(record("hello %s", "world")))

    assert (line["event"], line["level"], line["logger"]) == ("hello world", "warning", "schema_mcp.x")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_is_part_of_the_line():
    line = JsonLines().format(record("broken", failed=KeyError("why")))

    assert "KeyError: 'why'" in json.loads(line)["exception"]
    assert "\n" not in line


def test_secrets_are_masked_wherever_they_stand():
    lines = JsonLines({"hunter2", "hunter2-longer", ""})

    line = lines.format(record("sent %s and hunter2-longer", "hunter2", failed=KeyError("hunter2")))

    assert "hunter2" not in line
    assert "longer" not in line
    assert json.loads(line)["event"].startswith("sent ********")


def test_structlog_is_loaded_with_the_first_line_only():
    code = "import sys, schema_mcp.logs as logs; logs.start('debug'); print('structlog' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"
