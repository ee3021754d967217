"""Requests that two readers could understand in two ways: request smuggling.

Each payload hides `GET /hidden…` where a lenient reader would find a second request. Whatever is
ambiguous is refused, with one reply, and the connection closed; what is clear is read as what it
is. In no case may the hidden request be answered, and the access log must never have heard of it.
"""
from run import case, fixture, table
from selvedge import wait_for
from site_of_files import FILES, serve

HIDDEN = b"GET /hidden.txt HTTP/1.1\r\nHost: x\r\nX: "
TAIL = b"\r\n\r\n"


@fixture
def a_server_to_smuggle_past():
    with serve() as server:
        (server.root / "hidden.txt").write_bytes(b"THE HIDDEN REQUEST WAS ANSWERED")
        yield server


def post(*lines, body=b"", version=b"1.1"):
    """A POST with these lines in its head, as they are."""
    return (b"POST /hello.txt HTTP/" + version + b"\r\nHost: x\r\n"
            + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)


ZERO = b"0\r\n\r\n"
LENGTH = b"Content-Length: %d"
CHUNKED = b"Transfer-Encoding: chunked"


def te(line):
    """A Transfer-Encoding that one of two readers may overlook, beside a Content-Length."""
    return post(LENGTH % 4, line, body=b"5c\r\n" + HIDDEN + TAIL + ZERO)


def te_alone(line):
    return post(line, body=ZERO + HIDDEN + TAIL)


def length(value, *more):
    return post(b"Content-Length: " + value, *more, body=b"abcde" + HIDDEN + TAIL)


def get(line):
    """A GET with this line in its head."""
    return b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n" + HIDDEN + TAIL


def first(line, rest=b"Host: x\r\n\r\n"):
    """A request with this request line."""
    return line + b"\r\n" + rest + HIDDEN + TAIL


REFUSED = [
    # Two framings
    ("CL.TE", post(LENGTH % 6, CHUNKED, body=ZERO + b"G")),
    ("CL.TE with a hidden request", post(LENGTH % 60, CHUNKED, body=ZERO + HIDDEN + TAIL)),
    ("TE.CL", post(CHUNKED, LENGTH % 4, body=b"5c\r\n" + HIDDEN + TAIL + ZERO)),
    ("CL.0 with TE", post(LENGTH % 0, CHUNKED, body=ZERO + HIDDEN + TAIL)),
    ("TE in HTTP/1.0", post(CHUNKED, body=ZERO + HIDDEN + TAIL, version=b"1.0")),
    ("CL and TE in HTTP/1.0", post(LENGTH % 3, CHUNKED, body=ZERO + HIDDEN, version=b"1.0")),
    # Transfer-Encoding that is hidden from some
    ("TE: xchunked", te(b"Transfer-Encoding: xchunked")),
    ("TE: chunkedx", te_alone(b"Transfer-Encoding: chunkedx")),
    ("TE space before colon", te(b"Transfer-Encoding : chunked")),
    ("TE tab before colon", te(b"Transfer-Encoding\t: chunked")),
    ("TE behind a tab", te(b"Transfer-Encoding:\tchunked")),
    ("TE before a tab", te_alone(b"Transfer-Encoding: chunked\t")),
    ("TE behind a vertical tab", te(b"Transfer-Encoding: \x0bchunked")),
    ("TE behind a form feed", te_alone(b"Transfer-Encoding: \x0cchunked")),
    ("TE behind NUL", te_alone(b"Transfer-Encoding: \x00chunked")),
    ("TE behind a no-break space", te_alone(b"Transfer-Encoding: \xa0chunked")),
    ("TE behind 0xff", te_alone(b"Transfer-Encoding: \xffchunked")),
    ("TE in a folded line", te_alone(b"Transfer-Encoding:\r\n chunked")),
    ("TE in a line folded by tab", te_alone(b"Transfer-Encoding:\r\n\tchunked")),
    ("TE folded behind a value", te(b"X: y\r\n Transfer-Encoding: chunked")),
    ("TE behind a bare LF", te(b"X: y\nTransfer-Encoding: chunked")),
    ("TE behind a bare CR", te(b"X: y\rTransfer-Encoding: chunked")),
    ("TE behind CR CR LF", te(b"X: y\r\r\nTransfer-Encoding: chunked")),
    ("TE ended by a bare LF", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\n\r\n"
     + ZERO + HIDDEN + TAIL),
    ("TE ended by a bare CR", te_alone(b"Transfer-Encoding: chunked\rX: y")),
    ("TE twice", post(CHUNKED, CHUNKED, body=ZERO + HIDDEN + TAIL)),
    ("TE twice, one identity", post(CHUNKED, b"Transfer-Encoding: identity",
                                    body=ZERO + HIDDEN + TAIL)),
    ("TE identity", post(b"Transfer-Encoding: identity", LENGTH % 3, body=b"abc" + HIDDEN)),
    ("TE list", te_alone(b"Transfer-Encoding: identity, chunked")),
    ("TE list ending otherwise", te_alone(b"Transfer-Encoding: chunked, identity")),
    ("TE gzip, chunked", te_alone(b"Transfer-Encoding: gzip, chunked")),
    ("TE chunked, chunked", te_alone(b"Transfer-Encoding: chunked, chunked")),
    ("TE with an empty element", te_alone(b"Transfer-Encoding: ,chunked")),
    ("TE with a parameter", te_alone(b"Transfer-Encoding: chunked;foo=bar")),
    ("TE quoted", te_alone(b'Transfer-Encoding: "chunked"')),
    ("TE empty", te_alone(b"Transfer-Encoding:")),
    ("TE in capitals", te_alone(b"Transfer-Encoding: CHUNKED")),
    ("TE with an underscore", te(b"Transfer_Encoding: chunked")),
    ("TE with a prefix byte", te(b"\x00Transfer-Encoding: chunked")),
    ("TE with a space in front", te(b" Transfer-Encoding: chunked")),
    ("TE with a dot in the name", te(b"Transfer-\x00Encoding: chunked")),
    ("TE with a non-ASCII name", te(b"Transfer\xadEncoding: chunked")),
    # Content-Length
    ("CL twice, the same", length(b"5", b"Content-Length: 5")),
    ("CL twice, different", length(b"5", b"Content-Length: 0")),
    ("CL list, the same", length(b"5, 5")),
    ("CL list, different", length(b"5,0")),
    ("CL with plus", length(b"+5")),
    ("CL with minus", length(b"-5")),
    ("CL minus zero", length(b"-0")),
    ("CL in hexadecimal", length(b"0x5")),
    ("CL with a fraction", length(b"5.0")),
    ("CL with an exponent", length(b"5e0")),
    ("CL with an underscore", length(b"0_5")),
    ("CL with a space within", length(b"0 5")),
    ("CL with a tab", length(b"\t5")),
    ("CL with NUL", length(b"5\x00")),
    ("CL empty", length(b"")),
    ("CL in words", length(b"five")),
    ("CL of Arabic digits", length("\u0665".encode())),
    ("CL that wraps 32 bits", length(b"4294967301", b"Content-Length: 5")),
    ("CL of 20 digits", length(b"18446744073709551621")),
    ("CL of a hundred digits", length(b"9" * 100)),
    ("CL space before colon", post(b"Content-Length : 40", body=HIDDEN + TAIL)),
    ("CL folded", post(b"Content-Length:\r\n 5", body=b"abcde" + HIDDEN)),
    ("CL behind a bare CR", post(b"X: y\rContent-Length: 40", body=HIDDEN + TAIL)),
    ("CL with an underscore in the name", post(b"Content_Length: 40", body=HIDDEN + TAIL)),
    # Lines
    ("bare LF behind the request line", b"GET /hello.txt HTTP/1.1\nHost: x\r\n\r\n" + HIDDEN),
    ("bare LF everywhere", b"GET /hello.txt HTTP/1.1\nHost: x\n\n" + HIDDEN + TAIL),
    ("bare LF in the empty line", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n\n" + HIDDEN + TAIL),
    ("bare CR in the request line", first(b"GET /hello.txt\r HTTP/1.1")),
    ("bare CR in a value", get(b"X: a\rb")),
    ("bare CR at the end of a value", get(b"X: a\r")),
    ("NUL in a value", get(b"X: a\x00b")),
    ("NUL in a name", get(b"X\x00Y: a")),
    ("NUL in the target", first(b"GET /hello.txt\x00 HTTP/1.1")),
    ("DEL in a value", get(b"X: a\x7fb")),
    ("a control byte in a value", get(b"X: a\x01b")),
    ("a folded line", get(b"X: a\r\n b")),
    ("a folded first line", b"GET /hello.txt HTTP/1.1\r\n Host: x\r\nHost: y\r\n\r\n" + HIDDEN),
    ("a field without a colon", get(b"X")),
    ("a field without a name", get(b": y")),
    ("a field name with a slash", get(b"X/Y: a")),
    ("a field name with a space", get(b"X Y: a")),
    ("a field name in quotes", get(b'"X": a')),
    ("a field name in brackets", get(b"X[Y]: a")),
    ("a field name of UTF-8", get("\u00fc: a".encode())),
    # The request line
    ("HTTP/0.9", b"GET /hello.txt\r\n" + HIDDEN + TAIL),
    ("two spaces", first(b"GET  /hello.txt HTTP/1.1")),
    ("two spaces before the version", first(b"GET /hello.txt  HTTP/1.1")),
    ("a tab for a space", first(b"GET\t/hello.txt HTTP/1.1")),
    ("a space in front", first(b" GET /hello.txt HTTP/1.1")),
    ("a space behind", first(b"GET /hello.txt HTTP/1.1 ")),
    ("two empty lines in front", b"\r\n\r\n" + first(b"GET /hello.txt HTTP/1.1")),
    ("a space in the target", first(b"GET /hello.txt /x HTTP/1.1")),
    ("a version in lower case", first(b"GET /hello.txt http/1.1")),
    ("a version with a sign", first(b"GET /hello.txt HTTP/+1.1")),
    ("a version of three digits", first(b"GET /hello.txt HTTP/1.11")),
    ("a version with leading zero", first(b"GET /hello.txt HTTP/01.1")),
    ("a version behind a line", first(b"GET /hello.txt HTTP/1.1 HTTP/1.1")),
    ("another protocol", first(b"GET /hello.txt ICAP/1.0")),
    ("a fragment in the target", first(b"GET /hello.txt#x HTTP/1.1")),
    ("UTF-8 in the target", first("GET /\u00fc.txt HTTP/1.1".encode())),
    ("a target without slash", first(b"GET hello.txt HTTP/1.1")),
    ("a target of another scheme", first(b"GET ftp://x/ HTTP/1.1")),
    ("a method with a colon", first(b"GE:T /hello.txt HTTP/1.1")),
    ("a method of 33 bytes", first(b"M" * 33 + b" /hello.txt HTTP/1.1")),
    ("an asterisk for GET", first(b"GET * HTTP/1.1")),
    # Hosts
    ("no host", first(b"GET /hello.txt HTTP/1.1", b"X: y\r\n\r\n")),
    ("two hosts", get(b"Host: y")),
    ("two hosts, the same", get(b"Host: x")),
    ("a host with a comma", first(b"GET /hello.txt HTTP/1.1", b"Host: x, y\r\n\r\n")),
    ("a host with a bare CR", first(b"GET /hello.txt HTTP/1.1", b"Host: x\ry\r\n\r\n")),
    ("space before the host's colon", first(b"GET /hello.txt HTTP/1.1", b"Host : x\r\n\r\n")),
    # Other protocols on the same socket
    ("the HTTP/2 preface behind a request", get(b"X: y")[:-len(HIDDEN + TAIL)]
     + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64),
    ("a PROXY header where none is due", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + HIDDEN + TAIL),
    ("binary", bytes(range(128, 256)) + HIDDEN + TAIL),
]

# What follows the head of a request in chunks.
CHUNKS = [
    ("a chunk size with 0x", b"0x0\r\n\r\n"),
    ("a chunk size with plus", b"+0\r\n\r\n"),
    ("a chunk size with minus", b"-1\r\n\r\n"),
    ("a chunk size with a space in front", b" 0\r\n\r\n"),
    ("a chunk size with a space behind", b"0 \r\n\r\n"),
    ("a chunk size with a tab behind", b"0\t\r\n\r\n"),
    ("a chunk size of 17 digits", b"00000000000000000\r\n\r\n"),
    ("a chunk size that wraps", b"10000000000000000\r\n\r\n"),
    ("a chunk size that is none", b"\r\n\r\n"),
    ("a chunk size with g", b"0g\r\n\r\n"),
    ("a chunk size ended by LF", b"0\n\r\n"),
    ("a chunk size ended by CR CR LF", b"0\r\r\n\r\n"),
    ("a chunk size with NUL", b"0\x00\r\n\r\n"),
    ("chunk data longer than its size", b"3\r\nabcd\r\n0\r\n\r\n"),
    ("chunk data shorter than its size", b"5\r\nabc\r\n0\r\n\r\n"),
    ("chunk data ended by LF", b"3\r\nabc\n0\r\n\r\n"),
    ("chunk data ended by CR", b"3\r\nabc\r0\r\n\r\n"),
    ("chunk data ended by LF CR", b"3\r\nabc\n\r0\r\n\r\n"),
    ("a chunk extension with LF", b"0;a=\n\r\n\r\n"),
    ("a chunk extension with NUL", b"0;a=\x00\r\n\r\n"),
    ("a chunk extension with a bare CR", b"0;a\rb\r\n\r\n"),
    ("a chunk extension without end", b"0;" + b"a" * 20000 + b"\r\n\r\n"),
    ("the last chunk ended by LF LF", b"0\n\n"),
    ("a trailer ended by LF", b"0\r\nX: y\n\r\n"),
    ("a trailer with a space before its colon", b"0\r\nX : y\r\n\r\n"),
    ("a trailer that is folded", b"0\r\nX: y\r\n z\r\n\r\n"),
    ("a trailer that frames", b"0\r\nContent-Length: 40\r\n\r\n"),
    ("a trailer that frames by TE", b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
]

BODY = HIDDEN + TAIL
CLEAR = [
    # These have one meaning; the hidden request is their body.
    ("a fat GET", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
     % (len(BODY), BODY), 200),
    ("a fat HEAD", b"HEAD /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
     % (len(BODY), BODY), 200),
    ("a GET in chunks", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%x\r\n%s\r\n%s"
     % (CHUNKED, len(BODY), BODY, ZERO), 200),
    ("a POST nobody reads", post(LENGTH % len(BODY), body=BODY), 405),
    ("a POST in chunks nobody reads", post(
        CHUNKED, body=b"%x\r\n%s\r\n%s" % (len(BODY), BODY, ZERO)), 405),
    ("spaces around the length", post(b"Content-Length:   %d  " % len(BODY), body=BODY), 405),
    ("zeroes before the length", post(b"Content-Length: 000%d" % len(BODY), body=BODY), 405),
    ("a length in a name of any case", post(b"cONTENT-lENGTH: %d" % len(BODY), body=BODY), 405),
    ("an OPTIONS with a body", b"OPTIONS /hello.txt HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY), 405),
    ("a method that is not known", b"SMUGGLE /hello.txt HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY), 405),
    ("an Upgrade to h2c", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, "
     b"HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
     b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY), 200),
    ("an Upgrade to websocket", b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
     b"Upgrade: websocket\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY), 200),
    ("Connection that names the length", post(b"Connection: Content-Length",
                                              LENGTH % len(BODY), body=BODY), 405),
]


def replies_of(conn):
    """All that are said until the connection is closed."""
    replies = []
    while True:
        try:
            replies.append(conn.reply())
        except ConnectionError:
            return replies


@table(a_server_to_smuggle_past, REFUSED)
def what_is_ambiguous_is_refused(server, data):
    in_order = data.startswith(b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n")
    with server.connect() as conn:
        conn.send(data)
        replies = replies_of(conn)
        # A request in front that is in order is answered first.
        assert len(replies) == 1 + in_order, replies
        assert replies[-1].status in (400, 405, 413, 414, 431, 501, 505), replies[-1]
        assert replies[-1].get("Connection") == "close", replies[-1]
        assert not any(b"HIDDEN" in reply.body for reply in replies)


@table(a_server_to_smuggle_past, CHUNKS)
def chunks_that_are_ambiguous_are_refused(server, body):
    with server.connect(-1) as conn:  # /purge reads its body
        conn.send(b"POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  + CHUNKED + b"\r\n\r\n" + body + HIDDEN + TAIL)
        replies = replies_of(conn)
        assert [reply.status for reply in replies] == [400], replies
        assert replies[0].code == "syntax" and b"JSON" not in replies[0].body, replies[0]
        assert replies[0].get("Connection") == "close", replies[0]


@table(a_server_to_smuggle_past, CHUNKS)
def chunks_that_nobody_reads_are_refused_too(server, body):
    with server.connect() as conn:  # the reply may be on its way before the body is looked at
        conn.send(post(CHUNKED, body=body + HIDDEN + TAIL))
        replies = replies_of(conn)
        assert len(replies) == 1 and replies[0].status in (400, 405), replies


@table(a_server_to_smuggle_past, CLEAR)
def what_is_clear_is_read_as_what_it_is(server, data, status):
    with server.connect() as conn:
        conn.send(data)
        reply = conn.reply("HEAD" if data.startswith(b"HEAD") else "GET")
        assert reply.status == status, reply
        reply = conn.ask("/letters.txt")  # the connection is still in step
        assert reply.body == FILES["letters.txt"], reply


@table(a_server_to_smuggle_past, REFUSED + [
    (name, post(CHUNKED, body=body + HIDDEN + TAIL)) for name, body in CHUNKS])
def the_verdict_is_the_same_however_the_bytes_come(server, data):
    with server.connect() as conn:
        try:
            for at in range(0, min(len(data), 400), 7):
                conn.send(data[at:at + 7])
            conn.send(data[406:20000])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it is refused already
        assert b"HIDDEN" not in conn.rest()


@case(a_server_to_smuggle_past)
def no_hidden_request_reached_the_access_log(server):
    server.ask("/letters.txt?last")
    wait_for("the log", lambda: server.access()[-1]["path"] == "/letters.txt")
    heard = [entry for entry in server.access() if "hidden" in entry["path"]]
    assert not heard, heard
