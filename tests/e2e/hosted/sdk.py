"""Clients as they are: Cloudflare's for JavaScript, from npm; and curl, with HTTP/2."""
import contextlib
import json
import shutil
import subprocess

import origin
from account import PREFIX
from hosted import PICTURE, serve
from run import Skip, case, fixture
from selvedge import ROOT, WAIT_S


@fixture
def a_server_for_its_client():
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(client={"private_networks": True}))
        server.other = stack.enter_context(origin.Origin({
            "/harbour.png": origin.reply(PICTURE)}))
        (server.folder / "harbour.png").write_bytes(PICTURE)
        yield server


@case(a_server_for_its_client)
def cloudflares_client_works_as_it_is(server):
    if not shutil.which("node") or not (ROOT / "node_modules" / "cloudflare").is_dir():
        raise Skip("node or its packages are not installed")
    done = subprocess.run(
        ["node", ROOT / "tests" / "e2e" / "hosted" / "sdk.mjs",
         "http://{}:{}{}".format(*server.admin, PREFIX), server.client.token,
         server.client.account, server.folder / "harbour.png", server.other.base + "/harbour.png"],
        capture_output=True, text=True, timeout=3 * WAIT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@case(a_server_for_its_client)
def uploads_work_over_http_2(server):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    large = server.folder / "large.png"
    large.write_bytes(PICTURE + b"\0" * 3000000)

    def curl(*words):
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", str(WAIT_S), "-H",
             f"Authorization: Bearer {server.client.token}", *words], capture_output=True,
            check=True)
        return done.stdout
    url = "http://{}:{}{}/accounts/{}/images/v1".format(
        *server.admin, PREFIX, server.client.account)
    form = json.loads(curl("-F", f"file=@{large}", "-F", 'metadata={"a":1}', url))["result"]
    assert form["filename"] == "large.png" and form["meta"] == {"a": 1}
    raw = json.loads(curl("-H", "Content-Type: image/png", "--data-binary", f"@{large}",
                          url + "?id=raw"))["result"]
    assert raw["id"] == "raw"
    for name in (form["id"], "raw"):
        assert curl(f"{url}/{name}/blob") == large.read_bytes()
