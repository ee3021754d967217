"""Who has a token and means harm, or has none."""
import contextlib

from account import MIB, blobs, serve
from run import case, fixture, table
from selvedge import request, wait_for


@fixture
def a_server_with_narrow_limits():
    with serve(admin={"listen": {"limits": {
            "requests_max": 100000, "body_idle_ms": 1000,
            "request_memory_bytes": 65536}}}) as server:
        server.space = server.client.space("narrow")
        yield server


@fixture
def a_server_with_enemies():
    with serve() as server:
        server.space = server.client.space("besieged")
        yield server


def raw(server, path):
    return path.replace("~", f"/client/v4/accounts/{server.client.account}")


@table(a_server_with_narrow_limits, [
    ("a value", "/values/slow", 10), ("a large value", "/values/slow", 200000),
    ("a bulk", "/bulk", 200000), ("a list of keys", "/bulk/get", 10)])
def who_sends_no_more_is_let_go(server, path, length):
    before = len(blobs(server))
    method = "POST" if path.endswith("get") else "PUT"
    with server.connect(-1) as conn:
        conn.send(request(raw(server, server.space.path + path), method,
                          fields=server.client.fields(), body=b"x" * length)[:-5])
        rest = conn.rest()
        assert not rest or rest.startswith(b"HTTP/1.1 408 "), rest
    server.client.close()
    server.space.is_gone("slow")
    wait_for("the file to be gone", lambda: len(blobs(server)) == before)


@case(a_server_with_narrow_limits)
def a_request_with_little_memory_is_answered_or_refused(server):
    space = server.space
    long_ = "x" * 500
    answers = [
        space.put(long_, b"1"), space.get(long_), space.metadata(long_),
        space.put_form(long_, b"1", '{"a": 1}'), space.put(long_, b"x" * 100000), space.list(),
        space.bulk([{"key": long_, "value": "1", "expiration_ttl": 60}] * 600),
        space.bulk_get([long_[:450] + f"{number:03}" for number in range(100)]),
        space.bulk_remove([long_] * 600), space.remove(long_),
        server.client.ask("GET", "~/tokens"), server.client.ask("GET", "~/storage/kv/namespaces"),
        server.client.ask("POST", "~/tokens", {"name": "x" * 100000})]
    for answer in answers:
        assert answer.status in (200, 400, 413, 404), answer
        assert answer.status != 413 or "request_memory_bytes" in answer.message, answer
    assert answers[0].status == answers[5].status == 200


def refusals(server):
    """How many were told that there is no room: who still sends may not get to read it."""
    return server.metrics().get('selvedge_requests_total{service="api",status="5xx"}', 0)


@case(a_server_with_enemies)
def bulks_that_wait_in_memory_are_bounded(server):
    """What is past the bound is told to come again, and what was taken is given back."""
    path = raw(server, f"{server.space.path}/bulk")
    body = b" " * (95 * MIB)
    conns = []
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            conn = stack.enter_context(server.connect(-1))
            conn.send(request(path, "PUT", fields=server.client.fields(), body=body)[:-1])
            conns.append(conn)
        # The fifth is refused as soon as those have arrived.
        def refused():
            before = refusals(server)
            with server.connect(-1) as conn, contextlib.suppress(OSError):
                conn.send(request(path, "PUT", fields=server.client.fields(),
                                  body=b" " * (30 * MIB)))
                conn.reply("PUT")
            return refusals(server) > before
        wait_for("a refusal", refused)
        assert server.space.put("small", b"goes on").status == 200
    wait_for("room again", lambda: not refused())


@case(a_server_with_enemies)
def where_a_client_is_cannot_be_said_in_a_field(server):
    made = server.client.token_with("Workers KV Storage Read", condition={
        "request_ip": {"in": ["192.0.2.1"]}})
    client = server.client.client(made["value"])
    for fields in ({"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"},
                   {"X-Real-IP": "192.0.2.1"}, {"CF-Connecting-IP": "192.0.2.1"}):
        client.ask("GET", "/user/tokens/verify", fields=fields).refused(403, 10000)


@case(a_server_with_enemies)
def a_key_cannot_lead_out_of_its_namespace(server):
    other = server.client.space("another")
    other.put("a", b"kept")
    inner = f"{server.space.path}/values/"
    for key in (f"../../{other.id}/values/a", f"..%2f..%2f{other.id}%2fvalues%2fa",
                f"..\\..\\{other.id}", "../../../..", "%2e%2e/%2e%2e"):
        answer = server.client.ask("PUT", inner + key, b"stolen")
        assert answer.status in (200, 400), answer
    assert other.value("a") == b"kept" and other.names() == ["a"]
