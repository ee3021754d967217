"""RFC 9113 section 8: what makes a request, and what is malformed."""
from peer import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PROTOCOL_ERROR,
                  RST_STREAM, block, frame, get, literal)
from run import case, table
from site_h2 import BIG_BYTES, LETTERS, an_http2_server

POST = get(method="POST")
HOST = ("host", "localhost")


def without(name):
    return [pair for pair in get() if pair[0] != name]


# --- section 8.1: the framing of a message ---

@case(an_http2_server)
def rfc9113_8_1_a_reply_is_a_head_and_data_and_ends(site):
    with site.peer() as peer:
        reply = peer.answers()
        assert reply.body == LETTERS and reply.ended
        assert reply.fields["content-length"] == "26"


@case(an_http2_server)
def rfc9113_8_1_a_reply_to_head_has_no_data(site):
    with site.peer() as peer:
        stream = peer.ask(get("/big.bin", method="HEAD"))
        came = peer.next(HEADERS)
        assert came.stream_id == stream and "END_STREAM" in came.flags
        assert dict(came.pairs)["content-length"] == str(BIG_BYTES)
        peer.answers()


@case(an_http2_server)
def rfc9113_8_1_a_304_has_no_data(site):
    with site.peer() as peer:
        etag = peer.answers().fields["etag"]
        peer.ask(get("/letters.txt", ("if-none-match", etag)))
        came = peer.next(HEADERS)
        assert dict(came.pairs)[":status"] == "304" and "END_STREAM" in came.flags


@case(an_http2_server)
def rfc9113_8_1_a_request_with_trailers_is_answered(site):
    with site.peer() as peer:
        stream = peer.ask(POST, END_HEADERS)
        peer.send(frame(DATA, 0, stream, b"x"),
                  frame(HEADERS, END_HEADERS | END_STREAM, stream, literal("x-sum", "1")))
        assert peer.reply(stream).status == 405


@case(an_http2_server)
def rfc9113_8_1_a_second_head_without_an_end_is_malformed(site):
    with site.peer() as peer:
        stream = peer.id()
        peer.send(frame(HEADERS, END_HEADERS, stream, block(POST)),
                  frame(HEADERS, END_HEADERS, stream, literal("x-sum", "1")))
        hears_of_error(peer, stream)


def hears_of_error(peer, stream):
    """A stream error that may come behind a reply that was sent before it was seen."""
    while True:
        came = peer.frame()
        assert came.type != 7, f"GOAWAY {came.error_code}"
        if came.type == RST_STREAM and came.stream_id == stream:
            assert came.error_code in (0, PROTOCOL_ERROR), came.error_code
            break
    peer.is_alive()


@case(an_http2_server)
def rfc9113_8_1_1_names_of_replies_are_lower_case(site):
    with site.peer() as peer:
        reply = peer.reply(peer.ask(get("/none.txt")))
        assert reply.status == 404
        assert all(name == name.lower() for name in reply.fields), reply.fields
        for name in ("connection", "keep-alive", "proxy-connection", "transfer-encoding",
                     "upgrade"):
            assert name not in reply.fields


# --- malformed requests: each is reset, and the connection goes on ---

MALFORMED = [
    ("8.1.1 content-length without DATA", get("/letters.txt", ("content-length", "1"))),
    ("8.1.1 content-length that is no number", get("/letters.txt", ("content-length", "x"))),
    ("8.1.1 content-length with a sign", get("/letters.txt", ("content-length", "+0"))),
    ("8.1.1 content-length twice", get("/letters.txt", ("content-length", "0"),
                                       ("content-length", "0"))),
    ("8.2 a name in upper case", get("/letters.txt", ("X-Name", "v"))),
    ("8.2.1 an empty name", get("/letters.txt", ("", "v"))),
    ("8.2.1 a space in a name", get("/letters.txt", ("x y", "v"))),
    ("8.2.1 a colon in a name", get("/letters.txt", ("x:y", "v"))),
    ("8.2.1 a control byte in a name", get("/letters.txt", ("x\x01", "v"))),
    ("8.2.1 DEL in a name", get("/letters.txt", ("x\x7f", "v"))),
    ("8.2.1 a byte above 127 in a name", get("/letters.txt", ("x\xfc", "v"))),
    ("8.2.1 CR in a value", get("/letters.txt", ("x", "a\rb"))),
    ("8.2.1 LF in a value", get("/letters.txt", ("x", "a\nb"))),
    ("8.2.1 NUL in a value", get("/letters.txt", ("x", "a\0b"))),
    ("8.2.1 a space before a value", get("/letters.txt", ("x", " a"))),
    ("8.2.1 a space behind a value", get("/letters.txt", ("x", "a "))),
    ("8.2.1 a tab before a value", get("/letters.txt", ("x", "\ta"))),
    ("8.2.1 a tab behind a value", get("/letters.txt", ("x", "a\t"))),
    ("8.2.1 CRLF that would split the request", get("/letters.txt", ("x", "a\r\nhost: b"))),
    ("8.2.2 connection", get("/letters.txt", ("connection", "close"))),
    ("8.2.2 keep-alive", get("/letters.txt", ("keep-alive", "timeout=5"))),
    ("8.2.2 proxy-connection", get("/letters.txt", ("proxy-connection", "close"))),
    ("8.2.2 transfer-encoding", get("/letters.txt", ("transfer-encoding", "chunked"))),
    ("8.2.2 upgrade", get("/letters.txt", ("upgrade", "h2c"))),
    ("8.2.2 te other than trailers", get("/letters.txt", ("te", "gzip"))),
    ("8.3 a pseudo-header that nobody knows", get()[:3] + [(":x", "1")] + get()[3:]),
    ("8.3 a pseudo-header of replies", [(":status", "200")] + get()),
    ("8.3 :protocol without extended CONNECT", [(":protocol", "websocket")] + get()),
    ("8.3 a pseudo-header behind a field", get()[:3] + [("x", "y")] + get()[3:]),
    ("8.3 :method twice", [(":method", "GET")] + get()),
    ("8.3 :scheme twice", [(":scheme", "http")] + get()),
    ("8.3 :path twice", [(":path", "/")] + get()),
    ("8.3 :authority twice", [(":authority", "localhost")] + get()),
    ("8.3.1 no :method", without(":method")),
    ("8.3.1 no :scheme", without(":scheme")),
    ("8.3.1 no :path", without(":path")),
    ("8.3.1 neither :authority nor host", without(":authority")),
    ("8.3.1 an empty :method", get(method="")),
    ("8.3.1 a :method that is no token", get(method="GE T")),
    ("8.3.1 an empty :scheme", get(scheme="")),
    ("8.3.1 an empty :path", get("")),
    ("8.3.1 a :path without a slash", get("letters.txt")),
    ("8.3.1 a :path that is a URL", get("http://localhost/letters.txt")),
    ("8.3.1 a star without OPTIONS", get("*")),
    ("8.3.1 an empty :authority", get(authority="")),
    ("8.3.1 an empty host", without(":authority") + [("host", "")]),
    ("8.3.1 host twice", without(":authority") + [HOST, HOST]),
    ("8.3.1 a host that differs from :authority", get("/letters.txt", ("host", "other"))),
    ("8.5 CONNECT with :scheme and :path", get(method="CONNECT")),
    ("8.5 CONNECT without :authority", [(":method", "CONNECT"), HOST]),
]


@table(an_http2_server, MALFORMED)
def rfc9113_a_malformed_request_is_reset(site, pairs):
    with site.peer() as peer:
        peer.resets(peer.ask(pairs), PROTOCOL_ERROR)
        peer.answers()


BODIES = [
    ("more DATA than content-length", "1", [b"xy"]),
    ("more DATA than content-length, in parts", "1", [b"x", b"y"]),
    ("less DATA than content-length", "3", [b"xy"]),
    ("DATA with a content-length of 0", "0", [b"x"]),
]


@table(an_http2_server, BODIES)
def rfc9113_8_1_1_is_malformed(site, length, parts):
    with site.peer() as peer:
        stream = peer.id()
        sent = frame(HEADERS, END_HEADERS, stream, block(POST + [("content-length", length)]))
        for i, part in enumerate(parts):
            sent += frame(DATA, END_STREAM if i == len(parts) - 1 else 0, stream, part)
        peer.send(sent)
        hears_of_error(peer, stream)


TRAILERS = [
    ("8.1 a pseudo-header", [(":path", "/")]),
    ("8.2 a name in upper case", [("X-Sum", "1")]),
    ("8.2.2 a field of the connection", [("connection", "close")]),
    ("RFC 9110 6.5.1 content-length", [("content-length", "1")]),
]


@table(an_http2_server, TRAILERS)
def rfc9113_trailers_are_malformed_with(site, pairs):
    with site.peer() as peer:
        stream = peer.id()
        peer.send(frame(HEADERS, END_HEADERS, stream, block(POST)) + frame(DATA, 0, stream, b"x") +
                  frame(HEADERS, END_HEADERS | END_STREAM, stream, block(pairs)))
        hears_of_error(peer, stream)


# --- well-formed ones ---

GOOD = [
    ("8.2.1 a tab within a value", get("/letters.txt", ("x", "a\tb")), 200),
    ("8.2.1 bytes above 127 in a value", get("/letters.txt", ("x", "\xfc")), 200),
    ("8.2.1 an empty value", get("/letters.txt", ("x", "")), 200),
    ("8.2.2 te: trailers", get("/letters.txt", ("te", "trailers")), 200),
    ("8.2.3 a cookie in crumbs", get("/letters.txt", ("cookie", "a=1"), ("cookie", "b=2")), 200),
    ("8.3.1 host instead of :authority", without(":authority") + [HOST], 200),
    ("8.3.1 host beside an equal :authority", get("/letters.txt", HOST), 200),
    ("8.3.1 another order of pseudo-headers", get()[::-1], 200),
    ("8.1.1 content-length of 0 without DATA", get("/letters.txt", ("content-length", "0")), 200),
    ("8.1.1 a bad percent sign in :path, which HTTP can tell", get("/%zz"), 400),
    ("8.5 CONNECT, which is not done here",
     [(":method", "CONNECT"), (":authority", "localhost:80")], 501),
    ("8.4.1 a method that nobody knows", get(method="FROB"), 405),
    ("10.5.1 a header list past its bound",
     get("/letters.txt", *[("x", "v" * 1000)] * 40), 431),
    ("10.5.1 more fields than their bound", get("/letters.txt", *[("x", "v")] * 130), 431),
]


@table(an_http2_server, GOOD)
def rfc9113_a_request_is_answered_by_its_status(site, pairs, status):
    with site.peer() as peer:
        whole, stream = block(pairs), peer.id()
        parts = [whole[i:i + 16000] for i in range(0, len(whole), 16000)]
        for i, part in enumerate(parts):
            flags = END_STREAM if i == 0 else 0
            flags |= END_HEADERS if i == len(parts) - 1 else 0
            peer.send(frame(CONTINUATION if i else HEADERS, flags, stream, part))
        assert peer.reply(stream).status == status
        peer.answers()
