"""Clients as they are: Cloudflare's for JavaScript, from npm; and curl, with HTTP/2."""
import json
import shutil
import subprocess

from account import PREFIX, serve
from run import Skip, case, fixture
from selvedge import ROOT, WAIT_S


@fixture
def a_server_for_its_client():
    with serve() as server:
        yield server

CURLE_SEND_ERROR = 55


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


def curl(server, path, *words, status=200):
    """Ask with HTTP/2; the body of the reply. Some uploads over it end with curl's own mistake, until
    version 8.2: https://github.com/curl/curl/issues/10591."""
    url = "http://{}:{}{}{}".format(*server.admin, PREFIX, path.replace(
        "~", f"/accounts/{server.client.account}"))
    for _ in range(3):
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", str(WAIT_S), "-H",
             f"Authorization: Bearer {server.client.token}", "-w",
             "\\n%{http_version} %{http_code}", *words, url], capture_output=True, check=False)
        if done.returncode != CURLE_SEND_ERROR:
            break
    body, _, told = done.stdout.rpartition(b"\n")
    assert told == b"2 %d" % status, (told, done)
    return body


@case(a_server_for_its_client)
def the_calls_work_over_http_2(server):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    space = server.client.space("over HTTP/2")
    large = server.folder / "large"
    large.write_bytes(bytes(range(256)) * 20000)
    curl(server, space.at("large"), "-T", large)
    assert curl(server, space.at("large")) == large.read_bytes() == space.value("large")
    curl(server, space.at("form"), "-X", "PUT", "-F", "value=x", "-F", "metadata=[1]")
    assert json.loads(curl(server, f"{space.path}/metadata/form"))["result"] == [1]
    assert curl(server, space.at("large"), "-I").startswith(b"HTTP/2 200")
    curl(server, f"{space.path}/bulk", "-X", "PUT", "--json",
         json.dumps([{"key": "a", "value": "y" * 70000}]))
    assert space.value("a") == b"y" * 70000
    curl(server, space.at("never"), status=404)
    curl(server, "/nowhere", status=404)
    curl(server, "/accounts/%zz", status=400)
    curl(server, "/accounts", "-X", "PATCH", status=405)
    curl(server, space.at("x"), "-T", large, "-H", "Authorization: none", status=403)
    assert space.names() == ["a", "form", "large"]
