"""Each limit of a listener: what is at it is served, one more is refused by its name."""
import json
import pathlib
import re
import socket
import tempfile
import time

import selvedge
from run import case, fixture, table
from selvedge import SLOW, WAIT_S, Conn, command, request, wait_for
from site_of_files import BIG, FILES, serve

SMALL = {"target_bytes": 100, "field_bytes": 120, "head_bytes": 600, "fields_max": 8,
         "requests_max": 3}
SHORT_MS = 800
SHORT = {"header_ms": SHORT_MS, "keep_alive_ms": SHORT_MS, "body_idle_ms": SHORT_MS,
         "write_idle_ms": SHORT_MS}
JSON = {"Content-Type": "application/json"}


@fixture
def a_server_with_small_limits():
    with serve({"admin": {"listen": {"limits": {"body_bytes": 100}}}},
               listen=[{"limits": SMALL}]) as server:
        yield server


@table(a_server_with_small_limits, [
    ("target_bytes", "target_bytes", 414, "uri-too-long", 100,
     lambda n: b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * (n - 1))),
    ("field_bytes", "field_bytes", 431, "headers-too-large", 120,
     lambda n: b"GET / HTTP/1.1\r\nHost: x\r\nX-Field: %s\r\n\r\n" % (b"a" * (n - 7))),
    ("head_bytes", "head_bytes", 431, "headers-too-large", 600, lambda n: (
        b"GET / HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"a" * 95 + b"\r\n") * 5
        + b"Y: %s\r\n\r\n") % (b"a" * (n - 532))),
    ("fields_max", "fields_max", 431, "headers-too-large", 8,
     lambda n: b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * (n - 1) + b"\r\n"),
])
def a_head_at_the_limit_is_read_and_one_past_it_is_not(server, limit, status, code, most, make):
    if limit == "head_bytes":
        assert len(make(most)) == most
    with server.connect() as conn:
        conn.send(make(most))
        assert conn.reply().status == 404
        conn.send(make(most + 1))
        reply = conn.reply()
        assert reply.status == status and reply.code == code, reply
        assert limit.encode() in reply.body and str(most).encode() in reply.body, reply
        conn.closed()


@case(a_server_with_small_limits)
def a_head_without_an_end_is_refused_at_its_limit(server):
    for data in (b"GET /" + b"a" * 5000, b"G" * 5000,
                 b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500,
                 b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 5000):
        with server.connect() as conn:
            conn.send(data)
            assert conn.reply().status in (400, 414, 431), data[:30]
            conn.closed()


@case(a_server_with_small_limits)
def a_connection_has_so_many_requests(server):
    with server.connect() as conn:
        for left in (2, 1, 0):
            reply = conn.ask("/letters.txt")
            assert (reply.get("Connection") == "close") == (left == 0), reply
        conn.closed()


@table(a_server_with_small_limits, [("by length", False), ("in chunks", True)])
def a_body_at_the_limit_is_read_and_one_past_it_is_not(server, chunked):
    def purge(conn, count):
        body = json.dumps({"source": "/" + "a" * (count - 15)}).encode()
        assert len(body) == count
        if chunked:
            conn.send(request("/purge", "POST", {**JSON, "Transfer-Encoding": "chunked"})
                      + b"%x\r\n%s\r\n0\r\n\r\n" % (count, body))
        else:
            conn.send(request("/purge", "POST", JSON, body=body))
        return conn.reply()
    with server.connect(-1) as conn:
        assert purge(conn, 100).code == "missing"
        reply = purge(conn, 101)
        assert reply.status == 413 and b"body_bytes" in reply.body, reply
        conn.closed()


@case(a_server_with_small_limits)
def a_body_of_absurd_length_is_refused_before_it_comes(server):
    for length in (101, 10**12, 9999999999999999999):
        with server.connect(-1) as conn:
            conn.send(request("/purge", "POST", {**JSON, "Content-Length": length}))
            assert conn.reply().status == 413, length
            conn.closed()


# --- time ---

@fixture
def a_server_of_little_patience():
    with serve({"admin": {"listen": {"limits": SHORT}}}, listen=[{"limits": SHORT}]) as server:
        yield server


def took(action):
    begun = time.monotonic()
    action()
    return (time.monotonic() - begun) * 1000


def in_time(took_ms):
    """Not before its time (timers may round), and not long after it."""
    assert SHORT_MS * 0.8 <= took_ms <= SHORT_MS + 4000 * SLOW, f"{took_ms:.0f} ms"


@case(a_server_of_little_patience)
def a_client_that_says_nothing_is_closed(server):
    with server.connect() as conn:
        in_time(took(conn.closed))


@case(a_server_of_little_patience)
def half_a_head_is_answered_with_408(server):
    for part in (b"G", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n"):
        with server.connect() as conn:
            conn.send(part)
            replies = []
            in_time(took(lambda: replies.append(conn.reply())))
            assert replies[0].status == 408 and b"header_ms" in replies[0].body, replies[0]
            conn.closed()


@case(a_server_of_little_patience)
def the_time_for_a_head_is_not_prolonged_by_bytes(server):
    """Slowloris: a byte now and then."""
    with server.connect() as conn:
        begun = time.monotonic()
        conn.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        conn.socket.settimeout(SHORT_MS / 10000)
        while b"408" not in conn.got:
            try:
                if not conn._more():
                    break
            except TimeoutError:
                conn.send(b"X: y\r\n")
            assert time.monotonic() - begun < WAIT_S, "it waits for ever"
        in_time((time.monotonic() - begun) * 1000)


@case(a_server_of_little_patience)
def an_idle_connection_is_closed_after_keep_alive_ms(server):
    with server.connect() as conn:
        assert conn.ask("/hello.txt").status == 200
        in_time(took(conn.closed))


@case(a_server_of_little_patience)
def a_body_that_stands_still_is_given_up(server):
    with server.connect(-1) as conn:
        conn.send(request("/purge", "POST", {**JSON, "Content-Length": 50}) + b"{")
        reply = []
        in_time(took(lambda: reply.append(conn.reply())))
        assert reply[0].status == 408 and b"body_idle_ms" in reply[0].body, reply[0]
        conn.closed()


@case(a_server_of_little_patience)
def a_client_that_does_not_read_is_closed(server):
    before = server.metrics()["selvedge_connections"]
    with server.connect() as conn:
        conn.send(request("/big.bin") * 4)
        wait_for("the reply to begin", lambda: conn._more())
        begun = time.monotonic()
        wait_for("the connection to be given up",
                 lambda: server.metrics()["selvedge_connections"] <= before)
        in_time((time.monotonic() - begun) * 1000)
        assert len(conn.rest()) < 4 * len(BIG)


@case(a_server_of_little_patience)
def a_slow_reader_is_served_as_long_as_it_reads(server):
    with server.connect() as conn:
        conn.socket.settimeout(WAIT_S)
        # The other end hears of what was read when a good part of this room is free again.
        conn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        conn.send(request("/big.bin", fields={"Connection": "close"}))
        end = time.monotonic() + SHORT_MS * 3 / 1000
        got = 0
        while time.monotonic() < end:  # three times the patience, a little at a time
            got += len(conn.socket.recv(20000))
            time.sleep(SHORT_MS / 10000)
        assert got < len(BIG), "it read all of it at once"
        while part := conn.socket.recv(1 << 20):
            got += len(part)
        assert got > len(BIG), f"{got} bytes"


@case(a_server_of_little_patience)
def a_connection_in_use_outlives_all_of_it(server):
    with server.connect() as conn:
        end = time.monotonic() + SHORT_MS * 3 / 1000
        while time.monotonic() < end:
            assert conn.ask("/hello.txt").status == 200
            time.sleep(SHORT_MS / 4000)


@fixture
def a_server_of_one_second_connections():
    with serve(listen=[{"limits": {"age_s": 1}}]) as server:
        yield server


@case(a_server_of_one_second_connections)
def an_old_connection_is_closed_after_its_request(server):
    with server.connect() as conn:
        begun = time.monotonic()
        while conn.ask("/hello.txt").get("Connection") != "close":
            assert time.monotonic() - begun < WAIT_S
            time.sleep(0.05)
        assert time.monotonic() - begun > 0.8
        conn.closed()


# --- connections ---

@fixture
def a_server_of_few_connections():
    with serve({"loops": 1},
               listen=[{"connections_max": 20, "client_connections_max": 12}]) as server:
        yield server


def is_open(conn):
    """It still answers."""
    try:
        return conn.ask("/letters.txt").status == 200
    except (ConnectionError, OSError):
        return False


@case(a_server_of_few_connections)
def one_client_has_so_many_connections(server):
    conns = [Conn(server.address) for _ in range(16)]
    try:
        assert [is_open(conn) for conn in conns] == [True] * 12 + [False] * 4
        with server.connect(source="127.0.0.50") as other:
            assert is_open(other)
    finally:
        for conn in conns:
            conn.close()
    assert server.metrics()["selvedge_connections_refused_total"] >= 4


@case(a_server_of_few_connections)
def the_connection_idle_for_longest_makes_room(server):
    wait_for("no connections", lambda: server.metrics()["selvedge_connections"] <= 1)
    conns = []
    try:
        for number in range(40):
            conns.append(Conn(server.address, source=f"127.0.1.{number + 1}"))
            assert is_open(conns[-1]), f"the {number + 1}th was not served"
        assert not is_open(conns[0])
        assert sum(is_open(conn) for conn in conns[-10:]) == 10
    finally:
        for conn in conns:
            conn.close()
    assert server.metrics()["selvedge_connections_reclaimed_total"] >= 20


@case(a_server_of_few_connections)
def the_admin_listener_answers_while_the_others_are_full(server):
    conns = [Conn(server.address, source=f"127.0.2.{number + 1}") for number in range(20)]
    try:
        for conn in conns:
            conn.send(b"GET / HTTP/1.1\r\n")
        assert server.ask_admin("/healthz").body == b"ok\n"
    finally:
        for conn in conns:
            conn.close()


# --- descriptors ---

@fixture
def a_server_of_few_descriptors():
    """It may open 300 files: a fifth of that for files that it sends."""
    with tempfile.TemporaryDirectory() as folder:
        limited = pathlib.Path(folder) / "selvedge"
        limited.write_text(f'#!/bin/sh\nulimit -n 300\nexec "{selvedge.PROGRAM}" "$@"\n')
        limited.chmod(0o755)
        own, selvedge.PROGRAM = selvedge.PROGRAM, limited
        try:
            with serve({"loops": 1}) as server:
                with open(server.root / "huge.bin", "wb") as file:
                    file.truncate(64 << 20)
                yield server
        finally:
            selvedge.PROGRAM = own


@case(a_server_of_few_descriptors)
def files_that_nobody_reads_do_not_take_all_descriptors(server):
    conns = [server.connect() for _ in range(70)]
    try:
        for conn in conns:
            conn.send(request("/huge.bin"))
        heads = [conn.head() for conn in conns]
        assert [status for status, _ in heads].count(200) == 60, heads
        busy = [fields for status, fields in heads if status == 503]
        assert len(busy) == 10 and all(("Selvedge-Error", "busy") in each for each in busy), busy
        assert server.ask("/hello.txt").body == FILES["hello.txt"]
    finally:
        for conn in conns:
            conn.close()
    wait_for("room", lambda: server.ask("/big.bin").status == 200)


# --- what is wrong with a configuration ---

@case(a_server_of_few_connections)
def a_limit_out_of_its_bounds_is_told_with_its_place(server):
    path = server.folder / "wrong.yaml"
    path.write_text(json.dumps({"listen": [{"address": "127.0.0.1:0", "limits": {
        "header_ms": 1}}], "sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {
            "root": "."}}]}]}, indent=1))
    done = command("check", str(path))
    assert done.returncode == 1 and "header_ms" in done.stderr, done
    assert re.search(r"wrong\.yaml:\d+:\d+: ", done.stderr), done.stderr
