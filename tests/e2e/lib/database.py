"""A PostgreSQL of its own, beside a server under test."""
import contextlib
import json
import pathlib
import subprocess
import sys

from run import Skip
from selvedge import ROOT


@contextlib.contextmanager
def postgres():
    """The URL of a database, and what controls its server."""
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        raise Skip("PostgreSQL is not installed")
    tell = "import json, os, sys; print(json.dumps([sys.argv[1], os.environ['SELVEDGE_PG_CTL']]), " \
           "flush=True); sys.stdin.read()"
    with subprocess.Popen([ROOT / "tests" / "with-postgres", sys.executable, "-c", tell, "{}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
