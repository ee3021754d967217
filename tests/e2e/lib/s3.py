"""S3 from the client's side, byte by byte: signatures, payload forms, connections.

Written from the API reference ("Authenticating requests", and of it "… using the Authorization
header", "… using query parameters", "Transferring payload in multiple chunks" and "… including
trailing headers"), and of nothing that the server is made of, so that both can be held together.

A Call is a signed request that has not been sent: a test may change anything in it first.
"""
import base64
import calendar
import hashlib
import hmac
import re
import socket
import time
import typing
import urllib.parse
import zlib

from selvedge import WAIT_S, Conn, Reply, wait_for

UNSIGNED = "UNSIGNED-PAYLOAD"
CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
HEX = "hex"  # the digest itself
FORMS = (HEX, UNSIGNED, CHUNKS, CHUNKS_TRAILER, UNSIGNED_TRAILER)
EMPTY = hashlib.sha256(b"").hexdigest()
CHUNK_BYTES = 65536
ALGORITHM = "AWS4-HMAC-SHA256"


class Key(typing.NamedTuple):
    id: str
    secret: str


def key_of(token):
    """The key that an API token is, too."""
    return Key(token.split("_")[1], hashlib.sha256(token.encode()).hexdigest())


# --- checksums ---

def _crc_table(poly):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (poly if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc_table(0x82f63b78)
_CRC64NVME = _crc_table(0x9a6c9329ac4bc9b5)


def _crc(table, bits, data):
    value = ones = (1 << bits) - 1
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return (value ^ ones).to_bytes(bits // 8, "big")


CHECKSUMS = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": lambda data: _crc(_CRC32C, 32, data),
    "crc64nvme": lambda data: _crc(_CRC64NVME, 64, data),
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}


def checksum(name, data):
    return base64.b64encode(CHECKSUMS[name](data)).decode()


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def etag(data):
    return f'"{hashlib.md5(data).hexdigest()}"'


# --- signatures ---

def quote(text, keep=""):
    return urllib.parse.quote(text, safe=keep)


def stamp(unix_s):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unix_s))


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical_query(query):
    """Of a query as it is sent."""
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, value in sorted(
        (quote(urllib.parse.unquote_to_bytes(name)), quote(urllib.parse.unquote_to_bytes(value)))
        for name, value in pairs))


class Scope:
    """What signs the requests of a day."""

    def __init__(self, key, at, region="auto", service="s3"):
        self.key, self.when = key, stamp(at)
        self.name = f"{self.when[:8]}/{region}/{service}/aws4_request"
        secret = ("AWS4" + key.secret).encode()
        for part in self.name.split("/"):
            secret = _hmac(secret, part)
        self.secret = secret

    @property
    def credential(self):
        return f"{self.key.id}/{self.name}"

    def sign(self, *lines, kind=ALGORITHM):
        text = "\n".join([kind, self.when, self.name, *lines])
        return _hmac(self.secret, text).hex()

    def sign_request(self, method, path, query, fields, signed, payload):
        """`path` and `query` as they are sent."""
        values = {}
        for name, value in fields:
            values.setdefault(name.lower(), []).append(re.sub(r" +", " ", value.strip()))
        head = "".join(f"{name}:{','.join(values.get(name, ['']))}\n" for name in signed)
        request = "\n".join([method, quote(urllib.parse.unquote_to_bytes(path), "/"),
                             _canonical_query(query), head, ";".join(signed), payload])
        return self.sign(hashlib.sha256(request.encode("latin-1")).hexdigest())


class Call:
    """What is sent: change `method`, `path`, `query`, `fields` (pairs) and `pieces` at will."""

    def __init__(self, method, path, query, fields, scope, signature, payload):
        self.method, self.path, self.query, self.fields = method, path, query, fields
        self.scope, self.signature, self.payload = scope, signature, payload
        self.pieces = []  # of the body; each is a frame of its own where it has no length
        self.chunked = False  # it is sent without Content-Length
        self.waits = False  # for 100 (Continue)

    def get(self, name):
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)

    def set(self, name, value):
        """In its place, or at the end; None: take it away."""
        at = [number for number, (key, _) in enumerate(self.fields) if key.lower() == name.lower()]
        if value is None:
            self.fields = [pair for pair in self.fields if pair[0].lower() != name.lower()]
        elif at:
            self.fields[at[0]] = (self.fields[at[0]][0], value)
        else:
            self.fields.append((name, value))

    @property
    def target(self):
        return self.path + ("?" + self.query if self.query else "")


def call(key, method, path, query="", fields=(), payload=UNSIGNED, host="localhost", at=None,
         region="auto", unsigned=(), service="s3"):
    """A request with an Authorization field. `path` is decoded, `query` is as it is sent;
    fields that `unsigned` names are sent but not signed."""
    at = time.time() if at is None else at
    scope = Scope(key, at, region, service)
    path = quote(path, "/")
    sent = [("Host", host), *(fields.items() if isinstance(fields, dict) else fields),
            ("x-amz-date", scope.when), ("x-amz-content-sha256", payload)]
    hidden = {name.lower() for name in unsigned} | {"expect"}
    signed = sorted({name.lower() for name, _ in sent} - hidden)
    signature = scope.sign_request(method, path, query, sent, signed, payload)
    sent.append(("Authorization", f"{ALGORITHM} Credential={scope.credential}, "
                 f"SignedHeaders={';'.join(signed)}, Signature={signature}"))
    return Call(method, path, query, sent, scope, signature, payload)


def presigned(key, method, path, query="", fields=(), host="localhost", at=None, expires=600,
              region="auto"):
    """A request with its signature in the query."""
    at = time.time() if at is None else at
    scope = Scope(key, at, region)
    path = quote(path, "/")
    sent = [("Host", host), *(fields.items() if isinstance(fields, dict) else fields)]
    signed = sorted({name.lower() for name, _ in sent})
    query = "&".join(filter(None, [
        query, f"X-Amz-Algorithm={ALGORITHM}", "X-Amz-Credential=" + quote(scope.credential),
        f"X-Amz-Date={scope.when}", f"X-Amz-Expires={expires}",
        "X-Amz-SignedHeaders=" + quote(";".join(signed))]))
    signature = scope.sign_request(method, path, query, sent, signed, UNSIGNED)
    return Call(method, path, query + "&X-Amz-Signature=" + signature, sent, scope, signature,
                UNSIGNED)


# --- bodies ---

def cut(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def chunked(made, data, size=CHUNK_BYTES, trailer=()):
    """`data` in the coding aws-chunked, as the payload of the call says: its frames."""
    signs = made.payload != UNSIGNED_TRAILER
    before, frames = made.signature, []
    for part in [*cut(data, size), b""]:
        extension = ""
        if signs:
            before = made.scope.sign(before, EMPTY, hashlib.sha256(part).hexdigest(),
                                     kind=ALGORITHM + "-PAYLOAD")
            extension = f";chunk-signature={before}"
        frames.append(f"{len(part):x}{extension}\r\n".encode() + part + (b"\r\n" if part else b""))
    if made.payload == CHUNKS:
        return [*frames[:-1], frames[-1] + b"\r\n"]
    lines = "".join(f"{name}:{value}\n" for name, value in trailer)
    text = lines.replace("\n", "\r\n")
    if signs:
        last = made.scope.sign(before, hashlib.sha256(lines.encode()).hexdigest(),
                               kind=ALGORITHM + "-TRAILER")
        text += f"x-amz-trailer-signature:{last}\r\n"
    return [*frames[:-1], frames[-1] + text.encode() + b"\r\n"]


def upload(key, method, path, data, form=HEX, query="", fields=(), size=CHUNK_BYTES,
           trailer="crc32", told=None, streamed=False, waits=False, **more):
    """A call with a body. `told` is the trailer's checksum, if not the right one; `streamed`:
    without Content-Length, each chunk a frame of its own."""
    payload = hashlib.sha256(data).hexdigest() if form == HEX else form
    fields = [*(fields.items() if isinstance(fields, dict) else fields)]
    if form in (CHUNKS, CHUNKS_TRAILER, UNSIGNED_TRAILER):
        fields += [("Content-Encoding", "aws-chunked"),
                   ("x-amz-decoded-content-length", str(len(data)))]
    lines = []
    if form in (CHUNKS_TRAILER, UNSIGNED_TRAILER):
        name = f"x-amz-checksum-{trailer}"
        fields.append(("x-amz-trailer", name))
        lines = [(name, told or checksum(trailer, data))]
    if waits:
        fields.append(("Expect", "100-continue"))
    made = call(key, method, path, query, fields, payload, **more)
    made.pieces = [data] if form in (HEX, UNSIGNED) else chunked(made, data, size, lines)
    made.chunked, made.waits = streamed, waits
    return made


# --- connections ---

class OverH1:
    def __init__(self, address, tls=None, name=None):
        self.conn = Conn(address, tls=tls, name=name)

    def send_head(self, made):
        fields = list(made.fields)
        if made.chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif made.pieces and made.get("Content-Length") is None:
            fields.append(("Content-Length", str(sum(map(len, made.pieces)))))
        lines = [f"{made.method} {made.target} HTTP/1.1", *(f"{n}: {v}" for n, v in fields)]
        self.conn.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def send_body(self, made):
        for piece in made.pieces:
            if made.chunked and piece:
                self.conn.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            elif piece:
                self.conn.send(piece)
        if made.chunked:
            self.conn.send(b"0\r\n\r\n")

    def ask(self, made):
        self.send_head(made)
        if made.waits:
            status, fields = self.conn.head()
            if status != 100:
                reply = Reply(status, fields, b"")
                length = reply.get("Content-Length")
                reply.body = self.conn._exactly(int(length or 0))
                return reply
        try:
            self.send_body(made)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has said why
        reply = self.conn.reply(made.method)
        if made.waits:
            reply.interim.append(100)
        return reply

    def close(self):
        self.conn.close()


class OverH2:
    def __init__(self, address, tls=None, name=None):
        import h2.config
        import h2.connection
        self.socket = socket.create_connection(address, WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
            assert self.socket.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="latin-1"))
        self.h2.initiate_connection()
        self._flush()
        self.reply, self.ended = None, False

    def _flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def _receive(self):
        import h2.events
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("closed")
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                pairs = [(name, value) for name, value in event.headers if name[0] != ":"]
                self.reply = Reply(int(dict(event.headers)[":status"]), pairs, b"")
                self.reply.interim = self.interim
            elif isinstance(event, h2.events.InformationalResponseReceived):
                self.interim.append(int(dict(event.headers)[":status"]))
            elif isinstance(event, h2.events.DataReceived):
                self.reply.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                self.ended = True
                if isinstance(event, h2.events.StreamReset) and not self.reply:
                    raise ConnectionError(f"reset with {event.error_code}")
        self._flush()

    def _send(self, stream, data):
        while data and not self.ended:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if not room:
                self._receive()
                continue
            self.h2.send_data(stream, data[:room])
            data = data[room:]
            self._flush()

    def ask(self, made):
        host = made.get("Host")
        fields = [(":method", made.method), (":scheme", "https"), (":authority", host),
                  (":path", made.target)]
        fields += [(name.lower(), value) for name, value in made.fields if name.lower() != "host"]
        if made.pieces and not made.chunked and made.get("Content-Length") is None:
            fields.append(("content-length", str(sum(map(len, made.pieces)))))
        stream = self.h2.get_next_available_stream_id()
        self.reply, self.ended, self.interim = None, False, []
        self.h2.send_headers(stream, fields, end_stream=not made.pieces)
        self._flush()
        while made.waits and not self.interim and not self.ended:
            self._receive()
        for piece in made.pieces:
            self._send(stream, piece)
        if made.pieces and not self.ended:
            self.h2.end_stream(stream)
            self._flush()
        while not self.ended:
            self._receive()
        return self.reply

    def close(self):
        self.socket.close()


class Client:
    """Asks a server, as somebody; each request on a connection of its own unless there is one."""

    def __init__(self, address, key, over=OverH1, tls=None, name=None, host="localhost"):
        self.address, self.key, self.over, self.tls, self.name = address, key, over, tls, name
        self.host = host

    def connect(self):
        return self.over(self.address, self.tls, self.name)

    def send(self, made, conn=None):
        if conn:
            return conn.ask(made)
        conn = self.connect()
        try:
            return conn.ask(made)
        finally:
            conn.close()

    def call(self, method, path, query="", fields=(), **more):
        return call(self.key, method, path, query, fields, **{"host": self.host, **more})

    def presigned(self, method, path, **more):
        return presigned(self.key, method, path, **{"host": self.host, **more})

    def upload(self, path, data, form=HEX, method="PUT", **more):
        return upload(self.key, method, path, data, form, **{"host": self.host, **more})

    def ask(self, method, path, query="", fields=(), conn=None, **more):
        return self.send(self.call(method, path, query, fields, **more), conn)

    def put(self, path, data, form=HEX, conn=None, **more):
        return self.send(self.upload(path, data, form, **more), conn)

    def post(self, path, data, query, **more):
        return self.send(self.upload(path, data, method="POST", query=query, **more))

    def get(self, path, fields=(), query="", conn=None):
        return self.ask("GET", path, query, fields, conn)

    def head(self, path, fields=(), query=""):
        return self.ask("HEAD", path, query, fields)

    def delete(self, path, fields=()):
        return self.ask("DELETE", path, fields=fields)

    def as_key(self, key):
        return Client(self.address, key, self.over, self.tls, self.name, self.host)


def code(reply):
    """The error that a reply tells, or None."""
    found = re.search(rb"<Error><Code>(\w+)</Code>", reply.body)
    return found[1].decode() if found else None


def told(reply):
    """Status and error, to be compared."""
    return reply.status, code(reply)


def first_token(server):
    """What the server showed at its first start."""
    errors = server.folder / "err.1"
    return wait_for("the first token", lambda: re.search(
        r"shown only now: (slv_[0-9a-f]{32}_\w+)", errors.read_text(errors="replace")))[1]


def unix(text):
    return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
