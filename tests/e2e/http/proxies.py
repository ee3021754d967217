"""Whom a request is from: PROXY headers, X-Forwarded-For and Forwarded, as the log has it."""
import socket
import struct

from run import case, fixture, table
from selvedge import Conn, request, wait_for
from site_of_files import FILES, serve

V2 = b"\r\n\r\n\0\r\nQUIT\n"
TRUSTED, STRANGER = "127.0.0.1", "127.0.0.77"


def last_entry(server, mark):
    """The access log's entry of the request for /none-<mark>."""
    def find():
        found = [entry for entry in server.access() if entry["path"] == f"/none-{mark}"]
        return found[-1] if found else None
    return wait_for("the access log", find)


_marks = iter(range(1 << 30))


def seen_client(server, begin=b"", source=TRUSTED, fields=()):
    """Ask on a connection that begins with `begin`; which client was it?"""
    mark = next(_marks)
    with server.connect(source=source) as conn:
        conn.send(begin + request(f"/none-{mark}", fields=fields))
        assert conn.reply().status == 404
    return last_entry(server, mark)


# --- PROXY ---

@fixture
def a_server_behind_a_proxy():
    with serve(listen=[{"proxy_protocol": True, "proxies": [TRUSTED, "::1/128"]}]) as server:
        yield server


def v2(family, addresses, command=0x21, tlvs=b""):
    rest = addresses + tlvs
    return V2 + struct.pack(">BBH", command, family, len(rest)) + rest


def inet(source, dest, source_port, dest_port, family=socket.AF_INET):
    return (socket.inet_pton(family, source) + socket.inet_pton(family, dest)
            + struct.pack(">HH", source_port, dest_port))


TCP4 = inet("192.0.2.7", "198.51.100.1", 4711, 443)
TCP6 = inet("2001:db8::7", "2001:db8::1", 4711, 443, socket.AF_INET6)
LONGEST_V1 = b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n"
assert len(LONGEST_V1) == 107

HEADERS = [
    ("v1 over IPv4", b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", "192.0.2.7"),
    ("v1 over IPv6", b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "2001:db8::7"),
    ("v1 unknown", b"PROXY UNKNOWN\r\n", TRUSTED),
    ("v1 unknown with addresses", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", TRUSTED),
    ("v1 of 107 bytes", LONGEST_V1, TRUSTED),
    ("v2 over IPv4", v2(0x11, TCP4), "192.0.2.7"),
    ("v2 over IPv6", v2(0x21, TCP6), "2001:db8::7"),
    ("v2 with TLVs", v2(0x11, TCP4, tlvs=b"\x03\x00\x04abcd\x04\x00\x00"), "192.0.2.7"),
    ("v2 local", v2(0x00, b"", command=0x20), TRUSTED),
    ("v2 local with addresses", v2(0x11, TCP4, command=0x20), TRUSTED),
    ("v2 unspecified", v2(0x00, b"anything"), TRUSTED),
    ("v2 over a UNIX socket", v2(0x31, b"\0" * 216), TRUSTED),
    ("v2 of 4096 bytes", v2(0x11, TCP4, tlvs=b"\x04" + struct.pack(">H", 4081) + b"\0" * 4081),
     "192.0.2.7"),
]


@table(a_server_behind_a_proxy, HEADERS)
def a_proxy_header_tells_the_client(server, header, client):
    assert seen_client(server, header)["client"] == client


@table(a_server_behind_a_proxy, HEADERS)
def a_proxy_header_may_come_byte_by_byte(server, header, _):
    with server.connect() as conn:
        for at in range(min(len(header), 300)):
            conn.send(header[at:at + 1])
        conn.send(header[300:] + request("/letters.txt"))
        assert conn.reply().body == FILES["letters.txt"]


@table(a_server_behind_a_proxy, [
    ("none", b""),
    ("v1 with another protocol", b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("v1 with a short address", b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n"),
    ("v1 with IPv6 for IPv4", b"PROXY TCP4 ::1 ::2 1 2\r\n"),
    ("v1 with a port too large", b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n"),
    ("v1 with a leading zero", b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"),
    ("v1 with two spaces", b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"),
    ("v1 with something behind", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"),
    ("v1 ended by LF", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"),
    ("v1 in lower case", b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("v1 of 108 bytes", LONGEST_V1[:-2] + b"x\r\n"),
    ("v1 without end", b"PROXY TCP4 " + b"1" * 300),
    ("v2 with version 3", V2 + b"\x31\x11\x00\x0c" + TCP4),
    ("v2 with an unknown command", v2(0x11, TCP4, command=0x22)),
    ("v2 with an unknown family", v2(0x44, TCP4)),
    ("v2 over UDP", v2(0x12, TCP4)),
    ("v2 too short for its addresses", v2(0x11, TCP4[:11])),
    ("v2 with half a TLV", v2(0x11, TCP4, tlvs=b"\x03\x00")),
    ("v2 with a TLV too long", v2(0x11, TCP4, tlvs=b"\x03\x00\x09abc")),
    ("v2 of 4097 bytes", v2(0x11, TCP4, tlvs=b"\x04" + struct.pack(">H", 4082) + b"\0" * 4082)),
    ("v2 with a wrong signature", V2[:-1] + b"\r" + b"\x21\x11\x00\x0c" + TCP4),
])
def a_wrong_proxy_header_closes_the_connection(server, header):
    with server.connect() as conn:
        try:
            conn.send(header + request("/hello.txt"))
        except (BrokenPipeError, ConnectionResetError):
            pass
        conn.closed()


@case(a_server_behind_a_proxy)
def two_proxy_headers_are_one_too_many(server):
    with server.connect() as conn:
        conn.send(b"PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n" + request("/hello.txt"))
        assert conn.reply().status == 400
        conn.closed()


@case(a_server_behind_a_proxy)
def a_stranger_may_not_send_a_proxy_header(server):
    for begin in (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", b""):
        with server.connect(source=STRANGER) as conn:
            try:
                conn.send(begin + request("/hello.txt"))
            except (BrokenPipeError, ConnectionResetError):
                pass
            conn.closed()


@case(a_server_behind_a_proxy)
def requests_behind_a_proxy_header_are_kept_alive(server):
    with server.connect() as conn:
        conn.send(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n" + request("/hello.txt") * 3)
        for _ in range(3):
            assert conn.reply().body == FILES["hello.txt"]


# --- fields ---

@fixture
def a_server_that_trusts_x_forwarded():
    with serve({"trusted_proxies": [TRUSTED, "10.0.0.0/8", "2001:db8:1::/48"]}) as server:
        yield server


@table(a_server_that_trusts_x_forwarded, [
    ("one", ["192.0.2.7"], "192.0.2.7"),
    ("the last that is not trusted", ["203.0.113.9, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
    ("in several lines", ["203.0.113.9", "192.0.2.7", "10.1.2.3"], "192.0.2.7"),
    ("all trusted", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
    ("IPv6", ["2001:db8::7, 2001:db8:1::5"], "2001:db8::7"),
    ("none", [], TRUSTED),
])
def the_client_is_found_in_x_forwarded_for(server, values, client):
    entry = seen_client(server, fields=[("X-Forwarded-For", value) for value in values])
    assert entry["client"] == client, entry


@case(a_server_that_trusts_x_forwarded)
def nonsense_from_the_client_does_not_hide_it(server):
    """Whatever stands left of what a trusted proxy wrote is the client's own invention."""
    for invented in ("unknown", "'; drop", "10.0.0.1", "999.1.1.1", '"', "[::1"):
        entry = seen_client(server, fields={"X-Forwarded-For": f"{invented}, 192.0.2.7"})
        assert entry["client"] == "192.0.2.7", (invented, entry)


@case(a_server_that_trusts_x_forwarded)
def a_stranger_is_not_believed(server):
    entry = seen_client(server, source=STRANGER, fields={"X-Forwarded-For": "192.0.2.7",
                                                         "X-Forwarded-Host": "evil.example"})
    assert entry["client"] == STRANGER and entry["host"] == "localhost", entry


@case(a_server_that_trusts_x_forwarded)
def the_host_is_taken_from_x_forwarded_host(server):
    entry = seen_client(server, fields={"X-Forwarded-For": "192.0.2.7",
                                        "X-Forwarded-Host": "told.example"})
    assert entry["host"] == "told.example", entry


@case(a_server_that_trusts_x_forwarded)
def the_other_field_is_not_looked_at(server):
    assert seen_client(server, fields={"Forwarded": "for=192.0.2.7"})["client"] == TRUSTED


@fixture
def a_server_that_trusts_forwarded():
    with serve({"trusted_proxies": [TRUSTED, "10.0.0.0/8"],
                "trusted_field": "forwarded"}) as server:
        yield server


@table(a_server_that_trusts_forwarded, [
    ("one", "for=192.0.2.7", "192.0.2.7"),
    ("quoted with a port", 'for="192.0.2.7:4711"', "192.0.2.7"),
    ("IPv6", 'for="[2001:db8::7]:80"', "2001:db8::7"),
    ("in any case", "For=192.0.2.7;Proto=https;BY=10.0.0.1", "192.0.2.7"),
    ("the last that is not trusted", "for=203.0.113.9, for=192.0.2.7;host=x, for=10.1.1.1",
     "192.0.2.7"),
    ("the other field", "proto=https", TRUSTED),
])
def the_client_is_found_in_forwarded(server, value, client):
    assert seen_client(server, fields={"Forwarded": value})["client"] == client


@case(a_server_that_trusts_forwarded)
def x_forwarded_for_is_not_looked_at(server):
    assert seen_client(server, fields={"X-Forwarded-For": "192.0.2.7"})["client"] == TRUSTED


@case(a_server_that_trusts_forwarded)
def a_connection_of_many_clients_is_logged_one_by_one(server):
    marks = [next(_marks) for _ in range(20)]
    with Conn(server.address) as conn:
        for mark in marks:
            conn.send(request(f"/none-{mark}", fields={"Forwarded": f"for=192.0.2.{mark % 250}"}))
        for _ in marks:
            assert conn.reply().status == 404
    for mark in marks:
        assert last_entry(server, mark)["client"] == f"192.0.2.{mark % 250}"
