"""Objects over S3 and values of KV, beside nginx.

Load comes from wrk, one thread, 64 connections, walking 2,000 targets; of S3 each is a presigned
URL, so that the load does not sign. Costs are measured pinned, one loop beside one worker, as those
of cached pictures; rates with all of the machine. What a PUT of ours answers is on the disk, with an
index and checksums; nginx only writes a file. It is the floor, no peer.
"""
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import time
import urllib.parse

import rig

CONNECTIONS = 64
TARGETS = 2000
SMALL, LARGE = 4096, 1 << 20
COUNTS = {SMALL: TARGETS, LARGE: 200}
UNITS = {SMALL: "4k", LARGE: "1m"}
# To wrk an answer after two seconds is an error; a disk that others use, too, can take longer.
PATIENCE = "--timeout", "60s"


def selvedge(build, cpu=rig.SERVER_CPU, loops=1):
    """(server, account, token) with stores of its own, and its first token."""
    folder = rig.WORK / "objects"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ports = {"http": rig.free_port(), "admin": rig.free_port(), "s3": rig.free_port()}
    config = folder / "selvedge.yaml"
    config.write_text(rig.filled("objects.yaml", data=folder / "data", root=folder, loops=loops, **ports))
    server = rig.Server([build / "selvedge", "serve", "--config", config], ports,
        folder / "selvedge.log", cpu)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = re.search(r"account (\w+); .*: (slv_\w+)", server.log.read_text())
        if found:
            return server, *found.groups()
        time.sleep(0.05)
    server.stop()
    raise rig.Failed("it made no account")


def nginx(cpu=rig.SERVER_CPU, workers=1):
    folder = rig.WORK / "dav"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "files" / "bench").mkdir(parents=True)
    folder.chmod(0o777)
    for path in (folder / "files", folder / "files" / "bench"):
        path.chmod(0o777)
    config = folder / "nginx.conf"
    ports = {"http": rig.free_port()}
    config.write_text(rig.filled("objects.nginx.conf", folder=folder, workers=workers, **ports))
    return rig.Server(["nginx", "-c", config, "-e", folder / "error.log"], ports,
        folder / "nginx.log", cpu)


# --- presigned URLs (SigV4, the query form) ---

def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def presigned(token, method, path, port, host="127.0.0.1", params=None):
    key_id, secret = token.split("_")[1], hashlib.sha256(token.encode()).hexdigest()
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/auto/s3/aws4_request"
    query = urllib.parse.urlencode(sorted({**(params or {}),
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": now, "X-Amz-Expires": "86400", "X-Amz-SignedHeaders": "host"}.items()),
        quote_via=urllib.parse.quote, safe="")
    canonical = f"{method}\n{path}\n{query}\nhost:{host}:{port}\n\nhost\nUNSIGNED-PAYLOAD"
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return f"{path}?{query}&X-Amz-Signature={_mac(key, text).hex()}"


def ask(port, method, target, body=None, fields=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, target, body, fields or {})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    if reply.status not in (200, 201, 204):
        raise rig.Failed(f"{method} {target}: {reply.status} {text[:300]!r}")
    return text


# --- load ---

def wrk(port, targets, seconds, cpu, field=""):
    """(requests, seconds)"""
    pin = ["taskset", "-c", cpu] if cpu else []
    out = rig.run(*pin, "wrk", *PATIENCE, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
        rig.ROOT / "bench" / "targets.lua", f"http://127.0.0.1:{port}",
        env={**os.environ, "TARGETS": str(targets), "FIELD": field})
    if "Non-2xx" in out or "Socket errors" in out:
        raise rig.Failed(f"wrk:\n{out}")
    requests, took, unit = re.search(r"(\d+) requests in ([\d.]+)(\w+),", out).groups()
    return int(requests), float(took) * {"s": 1, "ms": 1e-3, "m": 60}[unit]


def pull(port, targets, seconds, cpu, _field):
    """The same, for large answers: wrk copies each to itself, and takes as long as who sends it."""
    return rig.pull(port, targets, seconds, cpu)


def wrk_once(port, targets):
    """Each target once."""
    rig.run("wrk", *PATIENCE, "-t1", f"-c{CONNECTIONS}", "-d3600s", "-s",
        rig.ROOT / "bench" / "targets.lua", f"http://127.0.0.1:{port}",
        env={**os.environ, "TARGETS": str(targets), "ONCE": "1"})


def cost(server, port, targets, seconds, cpu, field="", load=wrk):
    before = server.cpu_s()
    requests, took = load(port, targets, seconds, cpu, field)
    return {"cpu": (server.cpu_s() - before) / requests * 1e6, "rate": requests / took}


def s3_targets(server, token, method, size, count, name="s3"):
    port = server.ports["s3"]
    body = size if method == "PUT" else 0
    return rig.target_file(f"{name}.{method}.{size}", (
        f"{method} {body} " + presigned(token, method, f"/bench/{size}-{index}", port)
        for index in range(count)))


def dav_targets(method, size, count):
    body = size if method == "PUT" else 0
    return rig.target_file(f"dav.{method}.{size}", (
        f"{method} {body} /bench/{size}-{index}" for index in range(count)))


def make_bucket(server, token):
    port = server.ports["s3"]
    ask(port, "PUT", presigned(token, "PUT", "/bench", port))


def s3(size):
    """PUT and GET of objects of one size."""
    count = COUNTS[size]

    def measure(table, build, rounds, seconds):
        for name, cpu, load_cpu, loops, number, text in (
                ("cpu", rig.SERVER_CPU, rig.LOAD_CPU, 1, "cpu", "CPU us/request"),
                ("rate", None, None, 0, "rate", "requests/s")):
            server, _, token = selvedge(build, cpu, loops)
            with server, nginx(cpu, loops or 2) as peer:
                make_bucket(server, token)
                for method in ("PUT", "GET"):
                    own = s3_targets(server, token, method, size, count)
                    other = dav_targets(method, size, count)
                    if method == "GET":  # every one is there
                        for line in s3_targets(server, token, "PUT", size, count).open():
                            ask(server.ports["s3"], "PUT", line.split()[2], b"x" * size)
                        for line in dav_targets("PUT", size, count).open():
                            ask(peer.ports["http"], "PUT", line.split()[2], b"x" * size)
                    load = pull if method == "GET" and size == LARGE else wrk
                    seen = rig.medians(rounds, {
                        "ours": lambda own=own, load=load: cost(
                            server, server.ports["s3"], own, seconds, load_cpu, load=load),
                        "nginx": lambda other=other, load=load: cost(
                            peer, peer.ports["http"], other, seconds, load_cpu, load=load)})
                    table.add(f"s3-{method.lower()}-{UNITS[size]}-{name}", *seen[number], text)
    return measure


def kv(table, build, rounds, seconds):
    """Reads of values of 1 KiB that were read before, beside files of nginx."""
    for name, cpu, load_cpu, loops, number, text in (
            ("cpu", rig.SERVER_CPU, rig.LOAD_CPU, 1, "cpu", "CPU us/request"),
            ("rate", None, None, 0, "rate", "requests/s")):
        server, account, token = selvedge(build, cpu, loops)
        with server, nginx(cpu, loops or 2) as peer:
            admin = server.ports["admin"]
            field = f"Bearer {token}"
            spaces = f"/client/v4/accounts/{account}/storage/kv/namespaces"
            made = json.loads(ask(admin, "POST", spaces, json.dumps({"title": "bench"}),
                {"Authorization": field, "Content-Type": "application/json"}))
            values = f"{spaces}/{made['result']['id']}/values"
            for index in range(TARGETS):
                ask(admin, "PUT", f"{values}/{index}", b"x" * 1024, {"Authorization": field})
                ask(peer.ports["http"], "PUT", f"/bench/{index}", b"x" * 1024)
            own = rig.target_file("kv", (f"GET 0 {values}/{index}" for index in range(TARGETS)))
            other = rig.target_file("static", (f"GET 0 /bench/{index}" for index in range(TARGETS)))
            seen = rig.medians(rounds, {
                "ours": lambda: cost(server, admin, own, seconds, load_cpu,
                    f"Authorization: {field}"),
                "nginx": lambda: cost(peer, peer.ports["http"], other, seconds, load_cpu)})
            table.add(f"kv-get-1k-{name}", *seen[number], text)
