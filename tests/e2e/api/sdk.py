"""Cloudflare's client for JavaScript, as it is on npm."""
import shutil
import subprocess

from account import PREFIX, serve
from run import Skip, case, fixture
from selvedge import ROOT, WAIT_S


@fixture
def a_server_for_its_client():
    with serve() as server:
        yield server


@case(a_server_for_its_client)
def cloudflares_client_works_as_it_is(server):
    if not shutil.which("node") or not (ROOT / "node_modules" / "cloudflare").is_dir():
        raise Skip("node or its packages are not installed")
    done = subprocess.run(
        ["node", ROOT / "tests" / "e2e" / "api" / "sdk.mjs",
         "http://{}:{}{}".format(*server.admin, PREFIX), server.client.token,
         server.client.account],
        capture_output=True, text=True, timeout=3 * WAIT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
