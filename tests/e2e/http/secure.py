"""TLS, as Python's ssl and openssl see it."""
import contextlib
import json
import re
import socket
import ssl
import subprocess
import warnings

import certificate
from run import case, fixture, table
from selvedge import WAIT_S, Conn, command, request, wait_for
from site_of_files import BIG, FILES, serve

TLS = ssl.TLSVersion
warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, which we try on purpose


@contextlib.contextmanager
def serve_tls(**listener):
    with serve() as server:
        server.stop()
        one = certificate.make(server.folder, "one", "a.test", "www.a.test")
        two = certificate.make(server.folder, "two", "b.test", "*.b.test")
        server.settings["listen"] = [{"tls": [one, two], **listener}, {}]
        server.start()
        server.one, server.two = one["certificate"], two["certificate"]
        yield server


@fixture
def a_server_with_tls():
    with serve_tls() as server:
        yield server


def shake(server, name="a.test", **more):
    """A handshake; returns the open connection."""
    return Conn(server.address, tls=certificate.client(**more), name=name)


def fails(server, name="a.test", **more):
    try:
        shake(server, name, **more).close()
    except (ssl.SSLError, ConnectionError) as error:
        return error
    raise AssertionError("the handshake succeeded")


@table(a_server_with_tls, [
    ("the first", "a.test", "one"), ("its other name", "www.a.test", "one"),
    ("the second", "b.test", "two"), ("below its star", "x.b.test", "two"),
    ("in capitals", "B.TEST", "two"),
])
def the_server_name_chooses_the_certificate(server, name, which):
    trusted = getattr(server, which)
    with Conn(server.address, tls=certificate.client(trusted), name=name) as conn:
        assert conn.ask("/hello.txt", host=name).body == FILES["hello.txt"]


@case(a_server_with_tls)
def an_unknown_or_missing_name_gets_the_first_certificate(server):
    expected = ssl.PEM_cert_to_DER_cert(open(server.one, encoding="ascii").read())
    for name in ("c.test", "x.y.b.test", None):
        with shake(server, name) as conn:
            assert conn.socket.getpeercert(True) == expected, name


@table(a_server_with_tls, [
    ("h2 and h1", ("http/1.1", "h2"), "h2"), ("h1", ("http/1.1",), "http/1.1"),
    ("h2", ("h2",), "h2"), ("others too", ("spdy/1", "http/1.1"), "http/1.1"), ("none", (), None),
])
def the_protocol_is_agreed_by_alpn(server, offered, chosen):
    with shake(server, alpn=offered) as conn:
        assert conn.socket.selected_alpn_protocol() == chosen


@case(a_server_with_tls)
def no_protocol_in_common_is_no_connection(server):
    error = fails(server, alpn=("smtp",))
    assert "no application protocol" in str(error), error


@table(a_server_with_tls, [("1.2", TLS.TLSv1_2, "TLSv1.2"), ("1.3", TLS.TLSv1_3, "TLSv1.3")])
def tls_is_spoken(server, version, name):
    with shake(server, least=version, most=version) as conn:
        assert conn.socket.version() == name
        assert conn.ask("/big.bin").body == BIG
        cipher = conn.socket.cipher()[0]
        assert re.search("GCM|CHACHA20", cipher), cipher
        assert "TLS_" in cipher or "ECDHE" in cipher, cipher


@table(a_server_with_tls, [("1.1", "-tls1_1"), ("1.0", "-tls1")])
def old_tls_is_refused(server, option):
    done = openssl(server, option, "-cipher", "ALL:@SECLEVEL=0")
    assert done.returncode != 0 and "alert protocol version" in done.stderr, done.stderr


@table(a_server_with_tls, [(cipher, cipher) for cipher in (
    "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "NULL")])
def a_cipher_without_aead_or_forward_secrecy_is_refused(server, cipher):
    done = openssl(server, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    assert done.returncode != 0, done.stdout


def openssl(server, *options):
    return subprocess.run(
        ["openssl", "s_client", "-connect", "{}:{}".format(*server.address), *options],
        input="", capture_output=True, text=True, timeout=WAIT_S, check=False)


@case(a_server_with_tls)
def the_client_may_not_renegotiate(server):
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect", "{}:{}".format(*server.address)],
        input="R\n", capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert re.search("no renegotiation|handshake failure|unexpected", done.stderr), done.stderr


@case(a_server_with_tls)
def a_session_is_resumed_on_another_connection(server):
    for version in (TLS.TLSv1_2, TLS.TLSv1_3):
        context = certificate.client(least=version, most=version)
        with Conn(server.address, tls=context, name="a.test") as conn:
            conn.ask("/hello.txt")
            session = conn.socket.session
        resumed = 0
        for _ in range(4):  # whichever loop it meets, it has the key
            plain = socket.create_connection(server.address, WAIT_S)
            with context.wrap_socket(plain, server_hostname="a.test", session=session) as secure:
                resumed += secure.session_reused
                secure.sendall(request("/hello.txt", fields={"Connection": "close"}))
                while secure.recv(65536):
                    pass
        assert resumed == 4, (version, resumed)


@case(a_server_with_tls)
def pipelined_requests_over_tls_are_answered(server):
    with shake(server) as conn:
        conn.send((request("/letters.txt") + request("/big.bin")) * 10)
        for _ in range(10):
            assert conn.reply().body == FILES["letters.txt"]
            assert conn.reply().body == BIG


@case(a_server_with_tls)
def the_end_is_told_by_close_notify(server):
    plain = socket.create_connection(server.address, WAIT_S)
    with certificate.client().wrap_socket(plain, server_hostname="a.test",
                                          suppress_ragged_eofs=False) as secure:
        secure.sendall(request("/hello.txt", fields={"Connection": "close"}))
        got = b""
        while part := secure.recv(65536):  # without close_notify this raises
            got += part
    assert got.endswith(FILES["hello.txt"])


@case(a_server_with_tls)
def a_handshake_may_come_byte_by_byte(server):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certificate.client().wrap_bio(incoming, outgoing, server_hostname="a.test")
    plain = socket.create_connection(server.address, WAIT_S)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def step(action):
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                result = None
            for byte in outgoing.read():
                plain.sendall(bytes([byte]))
            if result is not None:
                return result
            incoming.write(plain.recv(65536))
    with plain:
        step(lambda: tls.do_handshake() or True)
        step(lambda: tls.write(request("/hello.txt")))
        assert step(lambda: tls.read(65536)).startswith(b"HTTP/1.1 200 ")


@table(a_server_with_tls, [
    ("a plain request", request("/hello.txt")), ("nothing but zeroes", b"\0" * 1000),
    ("half a record", b"\x16\x03\x01\x02\x00\x01"),
    ("a record too long", b"\x16\x03\x01\xff\xff" + b"a" * 70000),
    ("SSL 2", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\1" * 40),
    ("a heartbeat", b"\x18\x03\x02\x00\x03\x01\x40\x00"),
])
def what_is_no_tls_is_closed(server, data):
    with server.connect() as conn:
        try:
            conn.send(data)
            conn.half_close()
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        assert b"HTTP/" not in conn.rest()
    with shake(server) as conn:
        assert conn.ask("/hello.txt").status == 200


@case(a_server_with_tls)
def a_plain_listener_beside_it_stays_plain(server):
    assert server.ask("/hello.txt", listener=1).status == 200


def served_certificate(server, name):
    with shake(server, name) as conn:
        return conn.socket.getpeercert(True)


@case(a_server_with_tls)
def a_changed_certificate_is_taken_over_by_a_reload(server):
    old = served_certificate(server, "b.test")
    with shake(server, "b.test") as kept:
        certificate.make(server.folder, "two", "b.test", "*.b.test")
        new = ssl.PEM_cert_to_DER_cert(open(server.two, encoding="ascii").read())
        assert new != old
        server.reload()
        wait_for("the new certificate", lambda: served_certificate(server, "b.test") == new)
        assert kept.ask("/hello.txt").status == 200  # on the old connection
    wait_for("the new one everywhere", lambda: all(
        served_certificate(server, "b.test") == new for _ in range(8)))


@case(a_server_with_tls)
def a_broken_certificate_does_not_stop_what_serves(server):
    path = server.folder / "two.pem"
    good = path.read_bytes()
    served = served_certificate(server, "b.test")
    path.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    server.expected.add("edge.died")  # the next one, which was to take over
    before = len(server.events("edge.refused")) + len(server.events("config.refused"))
    server.reload()
    try:
        wait_for("the refusal", lambda: len(server.events("edge.refused")) + len(
            server.events("config.refused")) > before)
        assert served_certificate(server, "b.test") == served
        assert "two.pem" in server.errors()
    finally:
        path.write_bytes(good)


@case(a_server_with_tls)
def a_key_of_another_certificate_is_told(server):
    tree = {**server.settings, "listen": [{"address": "127.0.0.1:0", "tls": [
        {"certificate": server.one, "key": server.two.replace(".pem", ".key")}]}]}
    path = server.folder / "mixed.yaml"
    path.write_text(json.dumps({**tree, "admin": {"enabled": False},
                                "data": str(server.folder / "other")}))
    done = command("serve", "--config", str(path))
    assert done.returncode == 1 and "two.key" in done.stderr, done


@fixture
def a_server_of_tls_1_3_without_http_2():
    with serve_tls(tls_least="1.3", http2=False, handshake_ms=500) as server:
        yield server


@case(a_server_of_tls_1_3_without_http_2)
def tls_1_2_is_refused_where_1_3_is_the_least(server):
    error = fails(server, most=TLS.TLSv1_2)
    assert "protocol version" in str(error), error
    with shake(server) as conn:
        assert conn.socket.version() == "TLSv1.3"


@case(a_server_of_tls_1_3_without_http_2)
def http_2_is_not_offered_where_it_is_off(server):
    with shake(server, alpn=("h2", "http/1.1")) as conn:
        assert conn.socket.selected_alpn_protocol() == "http/1.1"


@case(a_server_of_tls_1_3_without_http_2)
def a_handshake_that_stands_still_is_closed(server):
    for begin in (b"", b"\x16\x03\x01"):
        with server.connect() as conn:
            conn.send(begin)
            conn.rest()


@fixture
def a_server_with_tls_behind_a_proxy():
    with serve_tls(proxy_protocol=True, proxies=["127.0.0.1/32"]) as server:
        yield server


@case(a_server_with_tls_behind_a_proxy)
def a_proxy_header_goes_before_tls(server):
    plain = socket.create_connection(server.address, WAIT_S)
    plain.sendall(b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n")
    with certificate.client().wrap_socket(plain, server_hostname="a.test") as secure:
        secure.sendall(request("/none-tls", fields={"Connection": "close"}))
        while secure.recv(65536):
            pass
    entry = wait_for("the log", lambda: next(
        (entry for entry in server.access() if entry["path"] == "/none-tls"), None))
    assert entry["client"] == "192.0.2.9", entry
