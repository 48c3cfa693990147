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


def test_a_secret_is_masked_in_the_form_it_has_in_json():
    line = JsonLines({'pa"ss\\wörd'}).format(record("sent %s", 'pa"ss\\wörd'))

    assert json.loads(line)["event"] == "sent ********"


def test_libraries_log_warnings_and_nothing_below():
    code = (
        "import logging, schema_mcp.logs as logs; logs.start('debug');"
        "[logging.getLogger(name).log(level, 'said') for name in ('mcp.server', 'schema_mcp.x') for level in (10, 30)]"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr

    told = [(line["logger"], line["level"]) for line in map(json.loads, said.splitlines())]
    assert told == [("mcp.server", "warning"), ("schema_mcp.x", "debug"), ("schema_mcp.x", "warning")]
