"""Sources on other servers: good origins, bad ones, and addresses that must not be reached."""
import gzip
import re
import time

import origin
import pictures
from run import case, fixture, table
from selvedge import SLOW, wait_for
from studio import jobs, link, samples, serve, was_hit

TINY = samples()["tiny.png"]
SECRET = b"SECRET"
JOB_MS = 6000 * SLOW  # a busy machine starts its jails slowly


def endless(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        conn.sendall(b"10000\r\n" + b"\x89PNG" + b"x" * 65532 + b"\r\n")


def endless_until_closed(conn, _head):
    conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        conn.sendall(b"x" * 65536)


def endless_head(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        conn.sendall(b"X-Field: " + b"x" * 1000 + b"\r\n")


def silent(conn, _head):
    conn.recv(1)  # until the client has had enough


def byte_by_byte(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        conn.sendall(b"x")
        time.sleep(0.1)


def cut_off(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(TINY) + TINY[:-20])


def cut_off_in_chunks(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
                 % (len(TINY), TINY))


def closing(_conn, _head):
    pass


def in_chunks(conn, _head):
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for at in range(0, len(TINY), 100):
        part = TINY[at:at + 100]
        conn.sendall(b"%x\r\n%s\r\n" % (len(part), part))
    conn.sendall(b"0\r\n\r\n")


def conditional(conn, head):
    if 'if-none-match: "v1"' in head.lower():
        conn.sendall(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')
    else:
        conn.sendall(origin.reply(TINY, ETag='"v1"', Cache_Control="max-age=1"))


def answers():
    return {
        "/good.png": origin.reply(TINY, Content_Type="image/png"),
        "/chunks.png": in_chunks,
        "/other-type": origin.reply(TINY, Content_Type="text/html"),
        "/query.png?v=2&w=3": origin.reply(TINY),
        "/conditional.png": conditional,
        "/private.png": origin.reply(TINY, Cache_Control="private"),
        "/no-store.png": origin.reply(TINY, Cache_Control="no-store"),
        "/aged.png": origin.reply(TINY, Cache_Control="public, max-age=100000"),
        "/302": origin.redirect("/good.png"),
        "/307": origin.redirect("/302", "307 Temporary Redirect"),
        "/308": origin.redirect("/307", "308 Permanent Redirect"),
        "/too-many": origin.redirect("/308", "301 Moved Permanently"),
        "/loop": origin.redirect("/loop"),
        "/nowhere": origin.reply(b"", "302 Found"),
        "/to-file": origin.redirect("file:///etc/passwd"),
        "/to-user": origin.redirect("http://user:pass@127.0.0.1/good.png"),
        "/to-gopher": origin.redirect("gopher://127.0.0.1:1/"),
        "/page": origin.reply(b"<p>SECRET PAGE</p>", Content_Type="text/html"),
        "/text": origin.reply(b"SECRET TEXT", Content_Type="image/png"),
        "/empty": origin.reply(b""),
        "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
        "/206": origin.reply(TINY, "206 Partial Content", Content_Range="bytes 0-9/10"),
        "/401": origin.reply(b"SECRET", "401 Unauthorized"),
        "/403": origin.reply(b"SECRET", "403 Forbidden"),
        "/410": origin.reply(b"SECRET", "410 Gone"),
        "/418": origin.reply(b"SECRET", "418 I'm a teapot"),
        "/429": origin.reply(b"SECRET", "429 Too Many Requests"),
        "/500": origin.reply(b"SECRET", "500 Internal Server Error"),
        "/503": origin.reply(b"SECRET", "503 Service Unavailable"),
        "/picture-of-an-error": origin.reply(TINY, "500 Internal Server Error"),
        "/endless": endless, "/endless-1.0": endless_until_closed, "/endless-head": endless_head,
        "/silent": silent, "/byte-by-byte": byte_by_byte,
        "/cut-off": cut_off, "/cut-off-in-chunks": cut_off_in_chunks, "/closing": closing,
        "/no-http": b"SSH-2.0-OpenSSH_9.2\r\n", "/nothing-known": b"HTTP/9.9 ??? \r\n\r\n",
        "/large": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + TINY,
        "/gzip-bomb": origin.reply(gzip.compress(b"x" * (50 << 20)), Content_Encoding="gzip"),
    }


@fixture
def a_server_with_an_origin():
    with origin.Origin(answers()) as one, origin.Origin(answers(), "127.0.0.5") as stranger:
        one.answers["/to-stranger"] = origin.redirect(stranger.base + "/good.png")
        one.answers["/to-other-port"] = origin.redirect(
            f"http://127.0.0.1:{stranger.port}/good.png")
        one.answers["/absolute"] = origin.redirect(one.base + "/good.png")
        one.answers["/to-metadata"] = origin.redirect("http://169.254.169.254/latest/meta-data/")
        images = {"origins": [one.base + "/"], "job_ms": JOB_MS, "source_bytes": 200000,
                  "ttl_least_s": 1}
        with serve(images, {"client": {"private_networks": True}}) as server:
            server.origin, server.stranger = one, stranger
            yield server


def ask(server, path, options="width=5"):
    return server.ask(link(options, server.origin.base + path))


@table(a_server_with_an_origin, [(path, path) for path in (
    "/good.png", "/chunks.png", "/other-type", "/query.png?v=2&w=3", "/aged.png", "/302", "/307",
    "/308", "/absolute")])
def a_good_origin_is_a_source(server, path):
    reply = ask(server, path, "width=8,format=png")
    assert reply.status == 200 and pictures.size_of(reply.body) == (8, 6), reply
    assert was_hit(ask(server, path, "width=8,format=png"))


@table(a_server_with_an_origin, [(f"{row[0]} {row[1]}", *row) for row in [
    ("/none", 404, "missing"), ("/410", 404, "missing"), ("/401", 403, "denied"),
    ("/403", 403, "denied"), ("/418", 502, "upstream"), ("/429", 503, "busy"),
    ("/500", 502, "upstream"), ("/503", 503, "busy"), ("/204", 502, "upstream"),
    ("/206", 502, "upstream"), ("/picture-of-an-error", 502, "upstream"),
    ("/page", 415, "media-type"), ("/text", 415, "media-type"), ("/empty", 415, "media-type"),
    ("/too-many", 502, "upstream"), ("/loop", 502, "upstream"), ("/nowhere", 502, "upstream"),
    ("/closing", 502, "upstream"), ("/no-http", 502, "upstream"),
    ("/nothing-known", 502, "upstream"), ("/cut-off", 502, "upstream"),
    ("/cut-off-in-chunks", 502, "upstream"), ("/endless", 413, "limit"),
    ("/endless-1.0", 413, "limit"), ("/large", 413, "limit"), ("/silent", 504, "timeout"),
    ("/to-stranger", 403, "denied"), ("/to-other-port", 403, "denied"),
    ("/to-metadata", 403, "denied")]])
def a_bad_origin_is_an_error_of_its_own(server, path, status, code):
    begun = time.monotonic()
    reply = ask(server, path)
    assert (reply.status, reply.code) == (status, code), reply
    assert SECRET not in reply.body, reply
    assert not re.search(rb"127\.0\.0\.5|169\.254|good\.png", reply.body), reply  # whither it led
    assert not any(SECRET.decode() in value for _, value in reply.fields)
    assert time.monotonic() - begun < JOB_MS / 1000 + 5 * SLOW
    assert server.stranger.asked == []
    if status == 503:
        assert reply.get("Retry-After")


@table(a_server_with_an_origin, [(path, path) for path in (
    "/to-file", "/to-user", "/to-gopher", "/endless-head", "/byte-by-byte", "/gzip-bomb")])
def what_leads_astray_is_refused(server, path):
    reply = ask(server, path)
    assert reply.status in (400, 403, 413, 415, 502, 504), reply
    assert b"root:" not in reply.body


@case(a_server_with_an_origin)
def nothing_of_the_client_reaches_an_origin(server):
    server.ask(link("width=6", server.origin.base + "/good.png?who"), fields={
        "Cookie": "SECRET=1", "Authorization": "Bearer SECRET", "X-Forwarded-For": "SECRET",
        "Referer": "http://SECRET/", "User-Agent": "SECRET"})
    head = next(head for path, head in server.origin.asked if path == "/good.png?who")
    assert "SECRET" not in head, head
    assert head.startswith("GET ") and "host: 127.0.0.1:" in head.lower(), head


@case(a_server_with_an_origin)
def four_sizes_fetch_an_origin_once(server):
    server.origin.answers["/four.png"] = origin.reply(TINY)
    for width in (2, 3, 4, 5):
        assert ask(server, "/four.png", f"width={width}").status == 200
    assert server.origin.paths().count("/four.png") == 1


@case(a_server_with_an_origin)
def what_an_origin_gave_is_kept_over_a_restart(server):
    server.origin.answers["/kept.png"] = origin.reply(TINY, Cache_Control="max-age=1000")
    kept = server.metrics()["selvedge_cache_disk_entries"]
    assert ask(server, "/kept.png", "width=3").status == 200
    wait_for("source and result to be on disk",
             lambda: server.metrics()["selvedge_cache_disk_entries"] >= kept + 2)
    server.stop()
    server.start()
    assert ask(server, "/kept.png", "width=4").status == 200
    assert server.origin.paths().count("/kept.png") == 1


@case(a_server_with_an_origin)
def what_is_private_is_not_kept(server):
    for path in ("/private.png", "/no-store.png"):
        for _ in range(2):
            reply = ask(server, path)
            assert reply.status == 200 and not was_hit(reply), reply
        assert server.origin.paths().count(path) == 2


@case(a_server_with_an_origin)
def an_origin_is_asked_again_only_for_what_changed(server):
    ask(server, "/conditional.png")

    def renewed():
        assert ask(server, "/conditional.png").status == 200
        heads = [head for path, head in server.origin.asked if path == "/conditional.png"]
        return any('"v1"' in head for head in heads)
    wait_for("a conditional request", renewed)
    assert ask(server, "/conditional.png").status == 200


@case(a_server_with_an_origin)
def an_origin_that_hangs_does_not_hold_up_the_others(server):
    server.origin.answers.update({f"/silent?{number}": silent for number in range(5)})
    conns = [server.connect() for _ in range(5)]
    for number, conn in enumerate(conns):
        conn.send(f"GET {link('width=5', server.origin.base + '/silent')}?{number} HTTP/1.1\r\n"
                  f"Host: x\r\n\r\n".encode())
    begun = time.monotonic()
    for reply in (ask(server, "/good.png", "width=7"), server.ask(link("width=7", "tiny.png"))):
        assert reply.status == 200, reply
    assert time.monotonic() - begun < JOB_MS / 2000
    for conn in conns:
        assert conn.reply().status == 504
        conn.close()


# --- addresses ---

def forms_of_loopback():
    """Every way to write an address of the inside that a resolver may understand."""
    return ["127.0.0.1", "127.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
            "017700000001", "0177.0.0.1", "0.0.0.0", "0", "localhost", "localhost.", "127.0.0.1.",
            "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
            "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
            "[2001:0:7f00:1::]", "[2001:0:1:1::80ff:fffe]", "[fe80::5efe:7f00:1]",
            "[2001:db8::5efe:7f00:1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
            "[2001:db8::1]", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
            "100.64.0.1", "169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1",
            "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]


@fixture
def a_server_that_may_not_look_inside():
    with origin.Origin(answers(), "") as one:
        allowed = [f"http://{host}:{one.port}/" for host in forms_of_loopback()]
        with serve({"origins": allowed, "job_ms": JOB_MS}) as server:
            server.origin = one
            yield server


@table(a_server_that_may_not_look_inside, [(host, host) for host in forms_of_loopback()])
def an_address_of_the_inside_is_not_reached(server, host):
    reply = server.ask(link("width=5", f"http://{host}:{server.origin.port}/good.png"))
    assert reply.status in (400, 403, 502), reply
    if host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"):
        assert (reply.status, reply.code) == (403, "denied"), reply
    assert server.origin.asked == [], server.origin.asked


@case(a_server_that_may_not_look_inside)
def no_job_was_made_of_it(server):
    assert jobs(server) == 0
