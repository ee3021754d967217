"""Clients that other people wrote, against one running server; and one that is malicious."""
import json
import re
import shutil
import subprocess
import threading
import time

import certificate
import pictures
from run import Skip, case, fixture, table
from selvedge import SLOW, WAIT_S, Server, wait_for

BIG = bytes(range(256)) * (1 << 12)
PICTURE = "/cdn-cgi/image/width=50,format=auto/photo.png"


@fixture
def a_server_for_everybody():
    server = Server(None)
    root = server.folder / "root"
    root.mkdir()
    (root / "small.txt").write_bytes(b"x" * 1024)
    (root / "big.bin").write_bytes(BIG)
    (root / "photo.png").write_bytes(pictures.photo(160, 120))
    one = certificate.make(server.folder, "one", "127.0.0.2")
    limits = {"requests_max": 10000000, "header_ms": 5000, "body_idle_ms": 5000,
              "write_idle_ms": 5000}
    server.settings = {
        "listen": [{"limits": limits}, {"limits": limits, "tls": [one]}],
        "sites": [{"hosts": ["*"], "routes": [
            {"path": "/", "files": {"root": str(root)}},
            {"path": "/cdn-cgi/image/", "images": {}}]}]}
    with server:
        server.plain = "http://{}:{}".format(*server.addresses[0])
        server.secure = "https://{}:{}".format(*server.addresses[1])
        server.certificate = one["certificate"]
        yield server


def tool(*words, seconds=WAIT_S, status=0):
    if not shutil.which(words[0]):
        raise Skip(f"{words[0]} is not installed")
    done = subprocess.run(words, capture_output=True, timeout=seconds, check=False)
    assert status is None or done.returncode == status, (
        done.returncode, done.stderr[-500:], done.stdout[-500:], " ".join(words)[:500])
    return done.stdout.decode("latin-1")


# --- curl ---

CURL = ["curl", "-sS", "--max-time", str(WAIT_S)]
WAYS = [("HTTP/1.1", ["--http1.1"], "plain", "1.1"), ("HTTP/1.0", ["--http1.0"], "plain", "1.1"),
        ("HTTP/2 by prior knowledge", ["--http2-prior-knowledge"], "plain", "2"),
        ("HTTP/2 by upgrade, which is let be", ["--http2"], "plain", "1.1"),
        ("HTTP/1.1 over TLS", ["--http1.1"], "secure", "1.1"),
        ("HTTP/2 over TLS", ["--http2"], "secure", "2"),
        ("HTTP/2 over TLS 1.2", ["--http2", "--tls-max", "1.2"], "secure", "2")]


def curl(server, options, where, target, *more, status=0):
    trust = ["--cacert", server.certificate] if where == "secure" else []
    return tool(*CURL, *trust, *options, *more, getattr(server, where) + target, status=status)


@table(a_server_for_everybody, WAYS)
def curl_gets_a_file(server, options, where, version):
    out = curl(server, options, where, "/big.bin", "-o", str(server.folder / "got"), "-w",
               "%{http_version} %{http_code} %{size_download}")
    assert out == f"{version} 200 {len(BIG)}", out
    assert (server.folder / "got").read_bytes() == BIG


@table(a_server_for_everybody, WAYS)
def curl_gets_a_picture(server, options, where, _):
    out = curl(server, options, where, PICTURE, "-H", "Accept: image/webp", "-o",
               str(server.folder / "got"), "-w", "%{http_code} %{content_type}")
    assert out == "200 image/webp", out
    assert pictures.kind_of((server.folder / "got").read_bytes()) == "image/webp"


@table(a_server_for_everybody, WAYS)
def curl_asks_for_heads_ranges_and_errors(server, options, where, _):
    def status(*more):
        return curl(server, options, where, *more, "-o", "/dev/null", "-w",
                    "%{http_code} %{size_download}")
    assert status("/small.txt", "-I") == "200 0"
    assert status("/small.txt", "-r", "10-19") == "206 10"
    assert status("/small.txt", "-r", "-1") == "206 1"
    assert status("/none")[:4] == "404 "
    assert status("/small.txt", "-H", "Expect: 100-continue", "-d", "x=" + "y" * 2000)[:4] == "405 "
    assert status("/small.txt", "-T", str(server.folder / "root" / "big.bin"))[:4] == "405 "


@table(a_server_for_everybody, WAYS)
def curl_uses_one_connection_for_many(server, options, where, _):
    if "--http1.0" in options:
        raise Skip("it closes")
    if "--http2-prior-knowledge" in options:
        raise Skip("curl 7.88 fails at this with every server")
    targets = [getattr(server, where) + "/small.txt?" + str(number) for number in range(30)]
    out = curl(server, options, where, "/small.txt", *targets, "-o", "/dev/null", *(
        word for _ in targets for word in ("-o", "/dev/null")), "-w", "%{num_connects} ")
    assert out.split().count("1") == 1 and out.split().count("0") == 30, out


@case(a_server_for_everybody)
def curl_verifies_the_certificate(server):
    curl(server, ["--http2"], "secure", "/small.txt", "-o", "/dev/null")
    tool(*CURL, "-o", "/dev/null", server.secure + "/small.txt", status=60)


@case(a_server_for_everybody)
def curl_purges(server):
    out = tool(*CURL, "-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(
        {"source": "/photo.png"}), "http://{}:{}/purge".format(*server.admin))
    assert json.loads(out)["success"] is True


# --- nghttp, h2load ---

@table(a_server_for_everybody, [("plain", "plain"), ("TLS", "secure")])
def nghttp_gets_several_streams(server, where):
    base = getattr(server, where)
    out = tool("nghttp", "-nvy", f"{base}/small.txt", f"{base}/big.bin", f"{base}/none",
               f"{base}{PICTURE}")
    assert len(re.findall(r":status: 200", out)) == 3, out[-2000:]
    assert len(re.findall(r":status: 404", out)) == 1
    assert "GOAWAY" not in out or "NO_ERROR" in out


@table(a_server_for_everybody, [
    ("HTTP/2", ["-m10"], "plain"), ("HTTP/2 over TLS", ["-m10"], "secure"),
    ("HTTP/2 with a hundred streams", ["-m100"], "plain"), ("HTTP/1.1", ["--h1"], "plain"),
    ("HTTP/1.1 over TLS", ["--h1"], "secure")])
def h2load_loses_nothing(server, options, where):
    for target in ("/small.txt", PICTURE):
        out = tool("h2load", "-n", "5000", "-c", "20", *options, getattr(server, where) + target)
        assert "5000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out
        assert "status codes: 5000 2xx" in out, out


@case(a_server_for_everybody)
def h2load_gets_large_bodies_whole(server):
    for where in ("plain", "secure"):
        base = getattr(server, where)
        out = tool("h2load", "-n", "200", "-c", "4", "-m", "10", base + "/big.bin")
        assert "200 succeeded, 0 failed" in out, out
        assert f"({200 * len(BIG)}) data" in out, out


# --- wrk, ab ---

@table(a_server_for_everybody, [("plain", "plain"), ("TLS", "secure")])
def wrk_sees_no_error(server, where):
    out = tool("wrk", "-t2", "-c50", "-d2s", getattr(server, where) + "/small.txt")
    assert int(re.search(r"(\d+) requests in", out)[1]) > 500 / SLOW, out
    assert "Socket errors" not in out and "Non-2xx" not in out, out


@table(a_server_for_everybody, [("keep-alive", ["-k"]), ("connection by connection", [])])
def ab_sees_no_error(server, options):
    for target in ("/small.txt", PICTURE):
        out = tool("ab", "-q", "-n", "2000", "-c", "20", *options, server.plain + target)
        assert "Complete requests:      2000" in out and "Failed requests:        0" in out, out
        assert "Non-2xx" not in out, out
        if options:
            assert "Keep-Alive requests:    2000" in out, out


# --- slowhttptest ---

ATTACKS = [("slow heads", ["-H", "-i", "1", "-x", "24"]),
           ("slow bodies", ["-B", "-i", "1", "-s", "8192", "-x", "10"]),
           ("ranges", ["-R", "-a", "1", "-b", "3000"]),
           ("slow reading", ["-X", "-w", "1", "-y", "20", "-n", "1", "-z", "32", "-k", "3"])]


@table(a_server_for_everybody, ATTACKS)
def a_slow_attack_does_not_stop_others(server, options):
    """A probe every 250 ms is answered within 3 s throughout."""
    if not shutil.which("slowhttptest"):
        raise Skip("slowhttptest is not installed")
    attack = subprocess.Popen(
        ["slowhttptest", "-c", "800", "-r", "200", "-l", "8", "-p", "3", *options, "-u",
         server.plain + "/big.bin"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = []
    reader = threading.Thread(target=lambda: output.append(attack.stdout.read()))
    reader.start()
    waits = []
    try:
        deadline = time.monotonic() + 40 * SLOW
        while attack.poll() is None:
            begun = time.monotonic()
            assert begun < deadline, "slowhttptest does not end"
            assert server.ask("/small.txt").status == 200
            assert server.ask_admin("/healthz").status == 200
            waits.append(time.monotonic() - begun)
            try:
                attack.wait(max(0, 0.25 - waits[-1]))
            except subprocess.TimeoutExpired:
                pass
    finally:
        if attack.poll() is None:
            attack.kill()
        attack.wait()
        reader.join()
    assert len(waits) > 8 and max(waits) < 3, (len(waits), max(waits))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output[0])
    seen = re.findall(r"service available: +(YES|NO)", plain)
    assert seen and "NO" not in seen, plain[-1500:]


@case(a_server_for_everybody)
def afterwards_all_connections_are_gone(server):
    wait_for("the connections to go", lambda: server.metrics()["selvedge_connections"] <= 2,
             30 * SLOW)
    assert server.metrics()["selvedge_requests_in_flight"] == 1
