"""An HTTP/2 client that can be wrong in every way: it sends the frames it is told to.

hyperframe takes apart what comes, hpack holds the tables of both directions; what goes out is
made by hand, because most of it should not exist.
"""
import socket
import struct

from hpack import Decoder, Encoder
from hyperframe.frame import Frame

MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, \
    ENHANCE_YOUR_CALM = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)
WAIT_S = 10


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def literal(name, value):
    """A field without index and without Huffman (RFC 7541 section 6.2.2)."""
    def text(data):
        data = data.encode("latin-1") if isinstance(data, str) else data
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, head = len(data) - 127, b"\x7f"
        while rest >= 128:
            head += bytes([rest % 128 | 128])
            rest //= 128
        return head + bytes([rest]) + data
    return b"\0" + text(name) + text(value)


def block(pairs):
    return b"".join(literal(*pair) for pair in pairs)


def get(path="/letters.txt", *more, method="GET", scheme="http", authority="localhost"):
    pairs = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
    return [pair for pair in pairs if pair[1] is not None] + list(more)


class Ended(Exception):
    """The server has closed the connection."""


class Reply:
    def __init__(self):
        self.status, self.fields, self.trailers = None, None, None
        self.body, self.ended = b"", False


class Peer:
    def __init__(self, address):
        self.socket = socket.create_connection(address, WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.got = b""
        self.theirs = {}  # SETTINGS of the server
        self.next_id = 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        try:
            self.socket.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has said why, or will be asked

    def begin(self, *pairs):
        """The preface and SETTINGS, until both sides have acknowledged them."""
        self.send(MAGIC, settings(*pairs))
        first = self.frame()
        assert first.type == SETTINGS and "ACK" not in first.flags, first
        self.theirs = first.settings
        self.send(settings(flags=ACK))
        while True:
            next_frame = self.frame()
            if next_frame.type == SETTINGS and "ACK" in next_frame.flags:
                return self

    def id(self):
        self.next_id += 2
        return self.next_id - 2

    def ask(self, pairs=None, flags=END_STREAM | END_HEADERS, stream=None):
        """A request; returns its stream."""
        stream = stream or self.id()
        self.send(frame(HEADERS, flags, stream, block(pairs or get())))
        return stream

    def _exactly(self, count):
        while len(self.got) < count:
            try:
                part = self.socket.recv(1 << 16)
            except ConnectionResetError:
                part = b""
            except TimeoutError:
                raise AssertionError(f"nothing comes for {WAIT_S} s") from None
            if not part:
                raise Ended()
            self.got += part
        taken, self.got = self.got[:count], self.got[count:]
        return taken

    def frame(self):
        """The next frame that comes; fields are decoded as `pairs`."""
        made, length = Frame.parse_frame_header(memoryview(self._exactly(9)))
        made.parse_body(memoryview(self._exactly(length)))
        assert length <= 16384, f"a frame of {length} bytes"
        if made.type == HEADERS:
            whole = made.data
            while "END_HEADERS" not in made.flags:
                more, length = Frame.parse_frame_header(memoryview(self._exactly(9)))
                assert more.type == CONTINUATION and more.stream_id == made.stream_id, more
                more.parse_body(memoryview(self._exactly(length)))
                whole += more.data
                made.flags |= more.flags
            made.pairs = self.decoder.decode(whole)
        return made

    def next(self, kind):
        """The next frame of a kind; others are passed over."""
        while True:
            came = self.frame()
            if came.type == kind:
                return came

    def reply(self, stream):
        """All of the reply on a stream; windows are opened as it comes."""
        reply = Reply()
        while not reply.ended:
            came = self.frame()
            assert came.type != GOAWAY, f"GOAWAY {came.error_code}"
            if came.stream_id != stream:
                continue
            assert came.type != RST_STREAM or reply.ended, f"reset with {came.error_code}"
            if came.type == HEADERS and reply.fields is None:
                assert came.pairs[0][0] == ":status", came.pairs
                if not 100 <= int(came.pairs[0][1]) < 200:
                    reply.status, reply.fields = int(came.pairs[0][1]), dict(came.pairs[1:])
            elif came.type == HEADERS:
                reply.trailers = came.pairs
            elif came.type == DATA:
                reply.body += came.data
                if came.flow_controlled_length and "END_STREAM" not in came.flags:
                    self.send(window(0, came.flow_controlled_length),
                              window(stream, came.flow_controlled_length))
            reply.ended = "END_STREAM" in came.flags
        return reply

    # --- what a case claims ---

    def is_alive(self):
        """The connection goes on: a PING comes back, and no error before it."""
        self.send(frame(PING, 0, 0, b"is alive"))
        while True:
            came = self.frame()
            assert came.type != GOAWAY, f"GOAWAY {came.error_code}"
            if came.type == PING and "ACK" in came.flags and came.opaque_data == b"is alive":
                return

    def answers(self, status=200, pairs=None):
        """The connection is as good as new: a request is answered."""
        reply = self.reply(self.ask(pairs))
        assert reply.status == status, f"status {reply.status}"
        return reply

    def fails(self, *codes):
        """A connection error: GOAWAY with one of the codes, and the connection ends."""
        told = None
        try:
            while True:
                came = self.frame()
                if came.type == GOAWAY:
                    told = came.error_code
        except Ended:
            pass
        assert told is not None, "closed without GOAWAY"
        assert told in codes, f"GOAWAY {told}"

    def resets(self, stream, *codes):
        """A stream error: RST_STREAM with one of the codes, and the connection goes on."""
        while True:
            came = self.frame()
            assert came.type != GOAWAY, f"GOAWAY {came.error_code}"
            assert came.type != HEADERS or came.stream_id != stream, f"answered: {came.pairs}"
            if came.type == RST_STREAM and came.stream_id == stream:
                assert came.error_code in codes, f"reset with {came.error_code}"
                break
        self.is_alive()

    def resets_or_fails(self, stream, *codes):
        """A stream error that the server may treat as one of the connection (section 5.4.2)."""
        try:
            while True:
                came = self.frame()
                if came.type == GOAWAY or (came.type == RST_STREAM and came.stream_id == stream):
                    assert came.error_code in codes, f"{came}: {came.error_code}"
                    return
        except Ended:
            raise AssertionError("closed without a word") from None

    def closes(self):
        try:
            while True:
                self.frame()
        except Ended:
            return
