"""What those who run it see: access log, metrics, health."""
import json
import re
import time

from run import case, fixture, table
from selvedge import request, wait_for
from site_of_files import BIG, serve

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"'
                    r'(?:,[a-zA-Z_]\w*="(?:[^"\\]|\\.)*")*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)')


@fixture
def a_server_to_watch():
    with serve() as server:
        yield server


def entry_of(server, path):
    def find():
        return next((entry for entry in server.access() if entry["path"] == path), None)
    return wait_for(f"{path} in the access log", find)


@case(a_server_to_watch)
def a_request_is_one_line_of_json_with_all_its_facts(server):
    before = time.time() * 1000
    reply = server.ask("/big.bin?secret=1", fields={"User-Agent": "tester/1"},
                       host="Site.Example:80")
    entry = entry_of(server, "/big.bin")
    assert before - 1000 < entry["time_ms"] < time.time() * 1000 + 1000
    expected = {"event": "access", "client": "127.0.0.1", "method": "GET", "host": "site.example",
                "path": "/big.bin", "http": "1.1", "agent": "tester/1", "service": "files",
                "status": 200, "bytes": len(BIG)}
    assert {key: entry[key] for key in expected} == expected, entry
    assert reply.body == BIG
    for phase in ("read_ms", "serve_ms", "send_ms", "total_ms"):
        assert 0 <= entry[phase] < 60000, entry
    assert entry["read_ms"] + entry["serve_ms"] + entry["send_ms"] <= entry["total_ms"] + 3


@case(a_server_to_watch)
def the_query_is_not_logged(server):
    server.ask("/query.txt?sig=TOPSECRET")
    entry_of(server, "/query.txt")
    assert b"TOPSECRET" not in server.out.read_bytes()


@case(a_server_to_watch)
def an_error_is_logged_with_its_code(server):
    server.ask("/gone.txt", "HEAD")
    entry = entry_of(server, "/gone.txt")
    assert (entry["status"], entry["error"], entry["bytes"]) == (404, "missing", 0), entry
    assert entry["method"] == "HEAD"


@case(a_server_to_watch)
def what_a_client_sends_cannot_break_a_line(server):
    agent = b'q"\\ \xff\xc3\xa9\t}{"status":999'
    with server.connect() as conn:
        conn.send(b"GET /odd.txt HTTP/1.1\r\nHost: x\r\nUser-Agent: " + agent + b"\r\n\r\n")
        conn.reply()
    entry = entry_of(server, "/odd.txt")
    assert entry["status"] == 404 and '"' in entry["agent"], entry
    for line in server.out.read_bytes().splitlines():
        json.loads(line.decode())  # UTF-8 as well


@case(a_server_to_watch)
def a_refused_request_is_counted(server):
    before = server.metrics()["selvedge_refused_total"]
    with server.connect() as conn:
        conn.send(b"GET / HTTP/9.9\r\n\r\n")
        conn.reply()
    wait_for("the count", lambda: server.metrics()["selvedge_refused_total"] == before + 1)
    entry = wait_for("it in the access log", lambda: next(
        (entry for entry in server.access() if entry["status"] == 505), None))
    assert entry["client"] == "127.0.0.1" and entry["error"] == "http-version", entry


@case(a_server_to_watch)
def requests_and_bytes_are_counted(server):
    def now():
        metrics = server.metrics()
        return (metrics['selvedge_requests_total{service="files",status="2xx"}'],
                metrics['selvedge_requests_total{service="files",status="4xx"}'],
                metrics['selvedge_sent_bytes_total{service="files"}'],
                metrics['selvedge_request_ms_count{service="files"}'])
    good, bad, sent, timed = now()
    with server.connect() as conn:
        for _ in range(50):
            conn.send(request("/letters.txt") + request("/none", "HEAD"))
            conn.reply()
            conn.reply("HEAD")
    wait_for("the counts", lambda: now() == (good + 50, bad + 50, sent + 50 * 26, timed + 100))


@case(a_server_to_watch)
def metrics_are_prometheus_text(server):
    reply = server.ask_admin("/metrics")
    assert reply.get("Content-Type").startswith("text/plain; version=0.0.4"), reply.fields
    kinds, helped, seen = {}, set(), set()
    for line in reply.body.decode().splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in helped and len(line.split(" ", 3)[3]) > 10, line
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in kinds and kind in ("counter", "gauge", "histogram"), line
            kinds[name] = kind
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, f"no sample: {line!r}"
            family = re.sub(r"_(bucket|sum|count)$", "", sample[1])
            name = family if kinds.get(family) == "histogram" else sample[1]
            assert name in kinds and name in helped, f"no TYPE or HELP before {line!r}"
            assert line.rpartition(" ")[0] not in seen, f"twice: {line!r}"
            seen.add(line.rpartition(" ")[0])
    assert set(kinds) == helped
    assert all(name.endswith("_total") for name, kind in kinds.items() if kind == "counter"), kinds


@case(a_server_to_watch)
def histograms_are_cumulative(server):
    server.ask("/hello.txt")
    metrics = server.metrics()
    families = {name.split("_bucket{")[0] for name in metrics if "_bucket{" in name}
    assert "selvedge_request_ms" in families
    for key, count in metrics.items():
        if "_count" not in key:
            continue
        family, labels = re.fullmatch(r"(.*)_count(\{.*\})?", key).groups()
        inner = labels[1:-1] + "," if labels else ""
        buckets = [value for name, value in metrics.items()
                   if name.startswith(f"{family}_bucket{{{inner}le=")]
        assert buckets and buckets == sorted(buckets) and buckets[-1] == count, key


@table(a_server_to_watch, [("healthz", "/healthz", b"ok\n"), ("readyz", "/readyz", b"ready\n")])
def health_is_told(server, target, body):
    assert server.ask_admin(target).body == body
    head = server.ask_admin(target, "HEAD")
    assert head.status == 200 and head.get("Content-Length") == str(len(body))
    assert server.ask_admin(target, "POST").status == 405


@case(a_server_to_watch)
def the_admin_listener_has_nothing_else(server):
    assert server.ask_admin("/hello.txt").status == 404
    assert server.ask_admin("/").status == 404
    assert server.ask("/metrics").status == 404
    assert server.ask("/healthz").status == 404


@table(a_server_to_watch, [
    ("localhost", "localhost", 200), ("with a port", "localhost:8081", 200),
    ("an address", "127.0.0.99", 200), ("an IPv6 address", "[::1]:8081", 200),
    ("another name", "evil.example", 421), ("a name like it", "localhost.evil.example", 421)])
def a_page_cannot_point_its_name_at_the_admin_listener(server, host, status):
    """DNS rebinding: the browser would take what is read there for the page's own."""
    for target in ("/metrics", "/healthz"):
        reply = server.ask_admin(target, host=host)
        assert reply.status == status, reply


# --- purge, as far as it goes without pictures ---

JSON = {"Content-Type": "application/json"}


@table(a_server_to_watch, [
    ("GET", "GET", JSON, b"{}", 405), ("another type", "POST", {}, b"{}", 415),
    ("a form", "POST", {"Content-Type": "text/plain"}, b'{"all":true}', 415),
    ("nothing", "POST", JSON, None, 400), ("no JSON", "POST", JSON, b"{", 400),
    ("an array", "POST", JSON, b"[]", 400), ("an empty object", "POST", JSON, b"{}", 400),
    ("two things", "POST", JSON, b'{"all":true,"url":"/x"}', 400),
    ("all of a host", "POST", JSON, b'{"all":true,"host":"x"}', 400),
    ("two hosts", "POST", JSON, b'{"url":"http://a/x","host":"b"}', 400),
    ("a key twice", "POST", JSON, b'{"all":true,"all":true}', 400),
    ("no URL", "POST", JSON, b'{"url":"x y"}', 400),
    ("65 KiB", "POST", JSON, b'{"url":"/%s"}' % (b"a" * 66000), 413),
])
def a_wrong_purge_is_refused(server, method, fields, body, status):
    reply = server.ask_admin("/purge", method, fields=fields, body=body)
    assert reply.status == status, reply


@fixture
def a_server_with_a_token():
    with serve({"admin": {"token": "open sesame"}}) as server:
        yield server


@table(a_server_with_a_token, [
    ("none", {}, 401), ("another", {"Authorization": "Bearer open sesam"}, 401),
    ("longer", {"Authorization": "Bearer open sesame1"}, 401),
    ("another scheme", {"Authorization": "Basic open sesame"}, 401),
    ("empty", {"Authorization": "Bearer "}, 401),
    ("the right one", {"Authorization": "Bearer open sesame"}, 404),
    ("the scheme in lower case", {"Authorization": "bearer open sesame"}, 404),
])
def a_purge_needs_the_token(server, fields, status):
    reply = server.ask_admin("/purge", "POST", fields={**JSON, **fields}, body=b'{"source":"/x"}')
    assert reply.status == status, reply
    if status == 401:  # RFC 9110 section 15.5.2
        assert "Bearer" in reply.get("WWW-Authenticate", ""), reply


@case(a_server_with_a_token)
def health_and_metrics_need_no_token(server):
    assert server.ask_admin("/healthz").status == 200
    assert server.metrics()


@fixture
def a_server_without_logs_and_admin():
    with serve({"admin": {"enabled": False}, "log": {"access": False, "level": "error"}}) as server:
        yield server


@case(a_server_without_logs_and_admin)
def both_can_be_turned_off(server):
    assert len(server.addresses) == 1
    assert server.ask("/hello.txt").status == 200
    server.stop()
    assert server.out.read_bytes() == b""
    server.start()
