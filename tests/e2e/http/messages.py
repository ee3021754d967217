"""HTTP/1.1 as RFC 9110 and RFC 9112 have it, over raw sockets."""
import json

from run import case, fixture, table
from selvedge import Conn, request, wait_for
from site_of_files import BIG, FILES, serve

LETTERS = FILES["letters.txt"]


@fixture
def a_plain_server():
    with serve() as server:
        yield server


# --- connections ---

@case(a_plain_server)
def a_connection_is_kept_alive(server):
    with server.connect() as conn:
        for _ in range(3):
            reply = conn.ask("/hello.txt")
            assert reply.status == 200 and reply.body == FILES["hello.txt"], reply
            assert reply.get("Connection", "keep-alive") == "keep-alive", reply


@case(a_plain_server)
def connection_close_closes(server):
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", fields={"Connection": "close"})
        assert reply.status == 200 and reply.get("Connection") == "close", reply
        conn.closed()


@case(a_plain_server)
def close_may_stand_among_other_connection_options(server):
    with server.connect() as conn:
        assert conn.ask("/hello.txt", fields={"Connection": "foo, CLOSE ,bar"}).status == 200
        conn.closed()


@case(a_plain_server)
def a_hundred_pipelined_requests_are_answered_in_order(server):
    kinds = [("GET", "/hello.txt", 200), ("HEAD", "/big.bin", 200), ("GET", "/none", 404),
             ("GET", "/letters.txt", 200), ("POST", "/hello.txt", 405)]
    asked = [kinds[i * 7 % len(kinds)] for i in range(100)]
    with server.connect() as conn:
        conn.send(b"".join(request(target, method) for method, target, _ in asked))
        for method, target, status in asked:
            reply = conn.reply(method)
            assert reply.status == status, (method, target, reply)
            if status == 200 and method == "GET":
                assert reply.body == FILES[target[1:]], target
            if target == "/big.bin":
                assert reply.get("Content-Length") == str(len(BIG))


@case(a_plain_server)
def pipelined_large_replies_wait_for_a_reader(server):
    with server.connect() as conn:
        conn.send(request("/big.bin") * 20)
        for _ in range(20):
            assert conn.reply().body == BIG


@case(a_plain_server)
def a_request_may_come_byte_by_byte(server):
    with server.connect() as conn:
        for byte in request("/hello.txt", fields={"Accept": "*/*"}):
            conn.send(bytes([byte]))
        assert conn.reply().body == FILES["hello.txt"]


@case(a_plain_server)
def a_request_may_be_split_anywhere(server):
    data = request("/letters.txt", fields={"Range": "bytes=2-3", "X-Long": "y" * 40})
    with server.connect() as conn:
        for at in range(1, len(data)):
            conn.send(data[:at])
            conn.send(data[at:])
            assert conn.reply().body == b"cd", at


@case(a_plain_server)
def an_empty_line_before_a_request_is_skipped(server):
    with server.connect() as conn:
        conn.send(b"\r\n" + request("/hello.txt") + b"\r\n" + request("/letters.txt"))
        assert conn.reply().body == FILES["hello.txt"]
        assert conn.reply().body == LETTERS


@case(a_plain_server)
def a_half_closed_client_gets_all_its_answers(server):
    with server.connect() as conn:
        conn.send(request("/hello.txt") + request("/big.bin") + request("/letters.txt"))
        conn.half_close()
        assert conn.reply().body == FILES["hello.txt"]
        assert conn.reply().body == BIG
        assert conn.reply().body == LETTERS
        conn.closed()


@case(a_plain_server)
def a_head_that_was_cut_off_is_not_answered(server):
    with server.connect() as conn:
        conn.send(request("/hello.txt")[:-2])
        conn.half_close()
        assert b" 200 " not in conn.rest()


@case(a_plain_server)
def a_client_that_goes_away_within_a_reply_leaves_nothing_open(server):
    before = server.metrics()["selvedge_connections"]
    for _ in range(20):
        with server.connect() as conn:
            conn.send(request("/big.bin"))
            conn.head()
    wait_for("the connections to be gone",
             lambda: server.metrics()["selvedge_connections"] <= before)
    assert server.metrics()["selvedge_requests_in_flight"] == 1  # this one


# --- methods and forms ---

@table(a_plain_server, [(name, "/" + name) for name in ("hello.txt", "big.bin", "none")])
def a_head_reply_has_the_fields_of_get_and_no_body(server, target):
    with server.connect() as conn:
        get = conn.ask(target)
        head = conn.ask(target, "HEAD")
        assert head.status == get.status
        for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control"):
            assert head.get(name) == get.get(name), name
        assert conn.ask("/hello.txt").body == FILES["hello.txt"]


@table(a_plain_server, [(method, method) for method in
                        ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get")])
def a_method_that_files_do_not_have_is_refused(server, method):
    reply = server.ask("/hello.txt", method)
    assert reply.status == 405 and reply.code == "method", reply
    allowed = reply.get("Allow", "")  # RFC 9110 section 15.5.6
    assert "GET" in allowed and "HEAD" in allowed, reply


@case(a_plain_server)
def connect_is_refused_and_the_connection_closed(server):
    with server.connect() as conn:
        conn.send(request("example.com:443", "CONNECT"))
        assert conn.reply().status in (400, 501)
        conn.closed()


@case(a_plain_server)
def options_star_is_understood(server):
    reply = server.ask("*", "OPTIONS")
    assert reply.status < 500, reply


@case(a_plain_server)
def http_1_0_closes_unless_asked_to_stay(server):
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", version="1.0")
        assert reply.status == 200 and reply.body == FILES["hello.txt"]
        conn.closed()
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", version="1.0", fields={"Connection": "keep-alive"})
        assert (reply.get("Connection") or "").lower() == "keep-alive", reply
        assert conn.ask("/letters.txt", version="1.0").body == LETTERS
        conn.closed()


@case(a_plain_server)
def http_1_0_needs_no_host(server):
    assert server.ask("/hello.txt", version="1.0", host=None).status == 200


@case(a_plain_server)
def http_1_0_gets_no_chunks(server):
    reply = server.ask("/big.bin", version="1.0")
    assert reply.body == BIG and not reply.get("Transfer-Encoding"), reply.fields


@table(a_plain_server, [("2.0", "2.0"), ("1.2", "1.2"), ("0.9", "0.9"), ("3.0", "3.0")])
def another_version_is_refused(server, version):
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", version=version)
        assert reply.status == 505 and reply.code == "http-version", reply
        conn.closed()


@case(a_plain_server)
def a_reply_has_one_date(server):
    reply = server.ask("/hello.txt")
    assert len(reply.all("Date")) == 1 and reply.get("Date").endswith(" GMT")


# --- hosts ---

@fixture
def a_server_of_three_sites():
    names = {"a.example": "hello.txt", "*.b.example": "letters.txt", "c.example": "page.html"}
    with serve() as server:
        server.stop()
        server.settings["sites"] = [
            {"hosts": [host], "routes": [
                {"path": "/", "files": {"root": str(server.root), "index": name}}]}
            for host, name in names.items()]
        server.start()
        yield server


@table(a_server_of_three_sites, [
    ("exact", "a.example", "/", "hello.txt"),
    ("any case", "A.Example", "/", "hello.txt"),
    ("with a port", "a.example:8080", "/", "hello.txt"),
    ("written fully", "a.example.", "/", "hello.txt"),
    ("below a star", "x.b.example", "/", "letters.txt"),
    ("deep below a star", "x.y.b.example", "/", "letters.txt"),
    ("absolute form goes before Host", "a.example", "http://c.example/", "page.html"),
    ("absolute form without a path", "a.example", "http://c.example", "page.html"),
    ("absolute form in capitals", "a.example", "HTTP://C.EXAMPLE:80/", "page.html"),
])
def the_host_chooses_the_site(server, host, target, name):
    reply = server.ask(target, host=host)
    assert reply.status == 200 and reply.body == FILES[name], reply


@table(a_server_of_three_sites, [
    ("other", "d.example", 421), ("the star's own", "b.example", 421),
    ("an address", "127.0.0.1", 421), ("a suffix without dot", "xb.example", 421),
    ("empty", "", 400), ("with user information", "u@a.example", 400),
    ("with a path", "a.example/x", 400), ("a port that is none", "a.example:x", 400),
    ("a port too large", "a.example:65536", 400), ("with a space", "a.example b", 400),
    ("an open bracket", "[::1", 400),
])
def a_host_of_no_site_is_refused(server, host, status):
    reply = server.ask("/", host=host)
    assert reply.status == status, reply


# --- ranges ---

@table(a_plain_server, [(value, value, first, last) for value, first, last in [
    ("bytes=0-0", 0, 0), ("bytes=0-4", 0, 4), ("bytes=5-", 5, 25), ("bytes=-5", 21, 25),
    ("bytes=25-25", 25, 25), ("bytes=20-99", 20, 25), ("bytes=-99", 0, 25),
    ("bytes=0-", 0, 25), ("BYTES=1-2", 1, 2), ("bytes= 1-2", 1, 2), ("bytes=,1-2,", 1, 2),
    ("bytes=3-18446744073709551615", 3, 25), ("bytes=3-99999999999999999999999", 3, 25),
    ("bytes=-18446744073709551616", 0, 25)]])
def a_range_is_a_part(server, value, first, last):
    reply = server.ask("/letters.txt", fields={"Range": value})
    assert reply.status == 206, reply
    assert reply.get("Content-Range") == f"bytes {first}-{last}/26", reply
    assert reply.body == LETTERS[first:last + 1], reply


@table(a_plain_server, [(value, value) for value in [
    "bytes=26-", "bytes=26-30", "bytes=99-", "bytes=-0", "bytes=18446744073709551616-"]])
def a_range_behind_the_end_is_refused(server, value):
    reply = server.ask("/letters.txt", fields={"Range": value})
    assert reply.status == 416 and reply.get("Content-Range") == "bytes */26", reply


@table(a_plain_server, [(value, value) for value in [
    "bytes", "bytes=", "bytes=a-b", "bytes=5-4", "bytes=--5", "bytes=-", "bytes=1-2-3",
    "lines=1-2", "bytes=0-1,4-5", "bytes 0-1", "bytes=0x0-0x4", "bytes=+1-2", "bytes=1 - 2"]])
def a_range_that_is_none_or_several_means_the_whole(server, value):
    reply = server.ask("/letters.txt", fields={"Range": value})
    assert reply.status == 200 and reply.body == LETTERS, reply


@case(a_plain_server)
def a_range_of_a_large_file_is_streamed(server):
    with server.connect() as conn:
        reply = conn.ask("/big.bin", fields={"Range": "bytes=1000000-2999999"})
        assert reply.status == 206 and reply.body == BIG[1000000:3000000]
        reply = conn.ask("/big.bin", fields={"Range": "bytes=-7"})
        assert reply.body == BIG[-7:]
        assert conn.ask("/hello.txt").status == 200


@case(a_plain_server)
def a_range_of_head_is_not_looked_at(server):
    reply = server.ask("/letters.txt", "HEAD", fields={"Range": "bytes=0-0"})
    assert reply.status == 200 and reply.get("Content-Length") == "26", reply


@case(a_plain_server)
def a_range_of_an_empty_file_is_refused_or_the_whole(server):
    assert server.ask("/empty.txt", fields={"Range": "bytes=0-"}).status == 416
    assert server.ask("/empty.txt", fields={"Range": "bytes=-5"}).status == 200


@case(a_plain_server)
def if_range_decides_between_part_and_whole(server):
    whole = server.ask("/letters.txt")
    for value, status in [(whole.get("ETag"), 206), ('"other"', 200),
                          ("W/" + whole.get("ETag"), 200),
                          ("Sun, 06 Nov 1994 08:49:37 GMT", 200), ("nonsense", 200)]:
        reply = server.ask("/letters.txt", fields={"Range": "bytes=1-2", "If-Range": value})
        assert reply.status == status, (value, reply)


# --- conditions ---

OLD, LATER = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2100 23:59:59 GMT"


@table(a_plain_server, [
    ("If-None-Match with the tag", {"If-None-Match": "TAG"}, 304),
    ("If-None-Match with a weak tag", {"If-None-Match": "W/TAG"}, 304),
    ("If-None-Match with a list", {"If-None-Match": '"x", TAG , "y"'}, 304),
    ("If-None-Match in two lines", [("If-None-Match", '"x"'), ("If-None-Match", "TAG")], 304),
    ("If-None-Match *", {"If-None-Match": "*"}, 304),
    ("If-None-Match with another tag", {"If-None-Match": '"x"'}, 200),
    ("If-None-Match before If-Modified-Since",
     {"If-None-Match": '"x"', "If-Modified-Since": "MODIFIED"}, 200),
    ("If-Modified-Since the same", {"If-Modified-Since": "MODIFIED"}, 304),
    ("If-Modified-Since before", {"If-Modified-Since": OLD}, 200),
    ("If-Modified-Since that is no date", {"If-Modified-Since": "yesterday"}, 200),
    ("If-Match with the tag", {"If-Match": "TAG"}, 200),
    ("If-Match *", {"If-Match": "*"}, 200),
    ("If-Match with another tag", {"If-Match": '"x"'}, 412),
    ("If-Match with a weak tag", {"If-Match": "W/TAG"}, 412),
    ("If-Unmodified-Since before", {"If-Unmodified-Since": OLD}, 412),
    ("If-Unmodified-Since later", {"If-Unmodified-Since": LATER}, 200),
    ("If-Match before If-Unmodified-Since",
     {"If-Match": "TAG", "If-Unmodified-Since": OLD}, 200),
    ("a condition before a range", {"If-None-Match": "TAG", "Range": "bytes=0-1"}, 304),
])
def a_condition_is_met(server, fields, status):
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    with server.connect() as conn:
        whole = conn.ask("/letters.txt")
        for method in ("GET", "HEAD"):
            sent = [(name, value.replace("TAG", whole.get("ETag"))
                     .replace("MODIFIED", whole.get("Last-Modified"))) for name, value in pairs]
            reply = conn.ask("/letters.txt", method, fields=sent)
            assert reply.status == status, (method, sent, reply)
            if status == 304:
                assert reply.get("ETag") == whole.get("ETag")
                assert reply.get("Cache-Control") == whole.get("Cache-Control")
                assert reply.get("Date")


# --- bodies; /purge of the admin listener is what reads them ---

PURGE = json.dumps({"source": "/nothing.png"}).encode()
JSON = {"Content-Type": "application/json"}


def chunked(*chunks, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def purge_with(conn, body, fields=()):
    conn.send(request("/purge", "POST", [*JSON.items(), ("Transfer-Encoding", "chunked"), *fields])
              + body)
    return conn.reply()


def understood(reply):
    """The body was read: there is just no picture service to purge."""
    return reply.status == 404 and reply.code == "missing"


@table(a_plain_server, [
    ("in one chunk", chunked(PURGE)),
    ("byte by byte", chunked(*[bytes([byte]) for byte in PURGE])),
    ("with extensions", b"%x;a=b;c=\"d e\"\r\n%s\r\n0;last\r\n\r\n" % (len(PURGE), PURGE)),
    ("with leading zeroes", b"0000%x\r\n%s\r\n0000\r\n\r\n" % (len(PURGE), PURGE)),
    ("with capital digits", b"%X\r\n%s\r\n0\r\n\r\n" % (len(PURGE), PURGE)),
    ("with a trailer", chunked(PURGE, end=b"0\r\nX-Checksum: abc\r\nX-Other: d\r\n\r\n")),
])
def a_chunked_body_is_read(server, body):
    with server.connect(-1) as conn:
        assert understood(purge_with(conn, body))
        assert conn.ask("/healthz").body == b"ok\n"  # nothing of it was left over


@table(a_plain_server, [(name, name) for name in (
    "Content-Length: 5", "Transfer-Encoding: chunked", "Host: other", "Authorization: Bearer x",
    "Content-Type: text/plain", "Set-Cookie: a=b", "Range: bytes=0-1")])
def a_field_that_may_not_be_a_trailer_is_refused(server, line):
    with server.connect(-1) as conn:
        reply = purge_with(conn, chunked(PURGE, end=b"0\r\n%s\r\n\r\n" % line.encode()))
        assert reply.status == 400, reply
        conn.closed()


@case(a_plain_server)
def a_body_with_a_length_is_read_in_pieces(server):
    data = request("/purge", "POST", JSON, body=PURGE)
    with server.connect(-1) as conn:
        for at in range(len(data) - len(PURGE) - 2, len(data)):
            conn.send(data[:at])
            conn.send(data[at:])
            assert understood(conn.reply())


@case(a_plain_server)
def a_body_that_nobody_wants_is_skipped(server):
    with server.connect() as conn:
        for body in (b"x", b"y" * 50000):
            assert conn.ask("/hello.txt", "POST", body=body).status == 405
            assert conn.ask("/hello.txt", body=body).status == 200  # a fat GET
        assert conn.ask("/letters.txt").body == LETTERS


@case(a_plain_server)
def a_client_is_told_to_continue(server):
    fields = {**JSON, "Expect": "100-continue", "Content-Length": len(PURGE)}
    with server.connect(-1) as conn:
        conn.send(request("/purge", "POST", fields))
        assert conn.head() == (100, [])
        conn.send(PURGE)
        assert understood(conn.reply())
        conn.send(request("/purge", "POST", {**JSON, "Expect": "100-Continue"}, body=PURGE))
        assert understood(conn.reply())  # the body was there at once


@case(a_plain_server)
def a_client_is_refused_before_it_sends_its_body(server):
    with server.connect(-1) as conn:
        conn.send(request("/purge", "POST", {"Expect": "100-continue", "Content-Length": 1000}))
        reply = conn.reply()
        assert reply.status == 415 and reply.interim == [], reply
        assert reply.get("Connection") == "close", reply
        conn.closed()


@case(a_plain_server)
def an_expectation_without_a_body_is_let_be(server):
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", fields={"Expect": "100-continue"})
        assert reply.status == 200 and reply.interim == []
        reply = conn.ask("/hello.txt", version="1.0", fields={"Expect": "100-continue",
                                                              "Content-Length": 0})
        assert reply.status == 200 and reply.interim == []


@case(a_plain_server)
def another_expectation_is_refused(server):
    with server.connect() as conn:
        reply = conn.ask("/hello.txt", fields={"Expect": "tea"})
        assert reply.status == 417 and reply.code == "expectation", reply


# --- errors ---

@case(a_plain_server)
def an_error_is_one_line_of_text_or_json_when_asked(server):
    text = server.ask("/none")
    assert text.get("Content-Type").startswith("text/plain") and text.body.count(b"\n") == 1
    told = server.ask("/none", fields={"Accept": "application/json"})
    error = json.loads(told.body)["error"]
    assert error["code"] == told.code == "missing" and error["status"] == told.status == 404
    assert error["message"].encode() + b"\n" == text.body
    assert told.get("Cache-Control") == "no-store"


@case(a_plain_server)
def two_connections_do_not_disturb_each_other(server):
    with server.connect() as slow, server.connect() as quick:
        slow.send(b"GET /hello.txt HT")
        assert quick.ask("/letters.txt").body == LETTERS
        slow.send(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert slow.reply().body == FILES["hello.txt"]


@case(a_plain_server)
def two_hundred_connections_are_open_at_once(server):
    conns = [Conn(server.address) for _ in range(200)]
    try:
        for conn in conns:
            conn.send(request("/letters.txt"))
        for conn in reversed(conns):
            assert conn.reply().body == LETTERS
    finally:
        for conn in conns:
            conn.close()
