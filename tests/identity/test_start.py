"""What signing in needs is loaded by who signs people in: a server over stdio starts without it."""

import subprocess
import sys

HEAVY = ("joserfc", "authlib", "schema_mcp.identity.policy", "schema_mcp.identity.doorman")


def test_a_server_over_stdio_starts_without_what_signs_people_in():
    told = "import schema_mcp.interfaces.cli.start, schema_mcp.serving, sys; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in HEAVY if name in loaded] == []
