"""RFC 9113 sections 3, 4, 6 and 7: the preface and each kind of frame."""
import struct

from peer import (ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM,
                  ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY,
                  HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, MAGIC, MAX_CONCURRENT_STREAMS,
                  MAX_FRAME_SIZE, NO_ERROR, PADDED, PING, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
                  RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, block, frame, get, literal,
                  reset, settings, window)
from run import case, table
from site_h2 import an_http2_server

POST = get(method="POST")
PART = block(get())


# --- section 3.4: the preface ---

@case(an_http2_server)
def rfc9113_3_4_the_server_begins_with_settings(site):
    with site.raw() as peer:
        peer.send(MAGIC, settings())
        first = peer.frame()
        assert first.type == SETTINGS and "ACK" not in first.flags


@case(an_http2_server)
def rfc9113_3_4_requests_may_follow_the_preface_at_once(site):
    with site.raw() as peer:
        peer.send(MAGIC, settings())
        peer.answers()


@case(an_http2_server)
def rfc9113_3_4_a_preface_without_settings_fails(site):
    with site.raw() as peer:
        peer.send(MAGIC, frame(PING, 0, 0, b"12345678"))
        peer.fails(PROTOCOL_ERROR)


@case(an_http2_server)
def rfc9113_3_4_another_preface_is_closed(site):
    with site.raw() as peer:
        peer.send(MAGIC[:-6] + b"XX\r\n\r\n", settings())
        peer.socket.settimeout(5)
        while peer.socket.recv(65536):
            pass


@case(an_http2_server)
def rfc9113_3_4_the_preface_may_come_byte_by_byte(site):
    with site.raw() as peer:
        for byte in MAGIC + settings():
            peer.send(bytes([byte]))
        peer.answers()


# --- each frame that breaks a connection ---

TOO_LONG = b"x" * 16385
BAD = [
    ("4.2 DATA past MAX_FRAME_SIZE", [frame(HEADERS, END_HEADERS, 1, block(POST)),
                                      frame(DATA, 0, 1, TOO_LONG)], FRAME_SIZE_ERROR),
    ("4.2 HEADERS past MAX_FRAME_SIZE", [frame(HEADERS, END_HEADERS, 1, TOO_LONG)],
     FRAME_SIZE_ERROR),
    ("4.2 a frame of unknown type past MAX_FRAME_SIZE", [frame(0x42, 0, 0, TOO_LONG)],
     FRAME_SIZE_ERROR),
    ("4.2 SETTINGS past MAX_FRAME_SIZE", [frame(SETTINGS, 0, 0, b"\0" * 16386)],
     FRAME_SIZE_ERROR),
    ("6.1 DATA on stream 0", [frame(DATA, 0, 0, b"x")], PROTOCOL_ERROR),
    ("6.1 DATA with more padding than payload",
     [frame(HEADERS, END_HEADERS, 1, block(POST)), frame(DATA, PADDED, 1, b"\5xxxx")],
     PROTOCOL_ERROR),
    ("6.1 DATA that is only as long as its padding",
     [frame(HEADERS, END_HEADERS, 1, block(POST)), frame(DATA, PADDED, 1, b"\5xxxxx"[:5])],
     PROTOCOL_ERROR),
    ("6.2 HEADERS on stream 0", [frame(HEADERS, END_HEADERS | END_STREAM, 0, PART)],
     PROTOCOL_ERROR),
    ("6.2 HEADERS with more padding than payload",
     [frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, bytes([len(PART) + 1]) + PART)],
     PROTOCOL_ERROR),
    ("6.2 HEADERS too short for their priority",
     [frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0")],
     FRAME_SIZE_ERROR),
    ("6.3 PRIORITY on stream 0", [frame(PRIORITY, 0, 0, b"\0\0\0\3\1")], PROTOCOL_ERROR),
    ("6.4 RST_STREAM on stream 0", [reset(0)], PROTOCOL_ERROR),
    ("6.4 RST_STREAM of 3 bytes",
     [frame(HEADERS, END_HEADERS, 1, block(POST)), frame(RST_STREAM, 0, 1, b"\0\0\0")],
     FRAME_SIZE_ERROR),
    ("6.4 RST_STREAM of 5 bytes",
     [frame(HEADERS, END_HEADERS, 1, block(POST)), frame(RST_STREAM, 0, 1, b"\0\0\0\0\0")],
     FRAME_SIZE_ERROR),
    ("6.5 SETTINGS on a stream", [settings(stream=1)], PROTOCOL_ERROR),
    ("6.5 SETTINGS of 5 bytes", [frame(SETTINGS, 0, 0, b"\0\3\0\0\0")], FRAME_SIZE_ERROR),
    ("6.5 an acknowledgement with payload", [settings((3, 1), flags=ACK)], FRAME_SIZE_ERROR),
    ("6.5.2 ENABLE_PUSH of 2", [settings((ENABLE_PUSH, 2))], PROTOCOL_ERROR),
    ("6.5.2 INITIAL_WINDOW_SIZE of 2^31", [settings((INITIAL_WINDOW_SIZE, 1 << 31))],
     FLOW_CONTROL_ERROR),
    ("6.5.2 MAX_FRAME_SIZE of 2^14 - 1", [settings((MAX_FRAME_SIZE, 16383))], PROTOCOL_ERROR),
    ("6.5.2 MAX_FRAME_SIZE of 2^24", [settings((MAX_FRAME_SIZE, 1 << 24))], PROTOCOL_ERROR),
    ("6.6 PUSH_PROMISE of a client",
     [frame(HEADERS, END_HEADERS, 1, block(POST)),
      frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + PART)], PROTOCOL_ERROR),
    ("6.7 PING on a stream", [frame(PING, 0, 1, b"12345678")], PROTOCOL_ERROR),
    ("6.7 PING of 7 bytes", [frame(PING, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
    ("6.7 PING of 9 bytes", [frame(PING, 0, 0, b"123456789")], FRAME_SIZE_ERROR),
    ("6.8 GOAWAY on a stream", [frame(GOAWAY, 0, 1, b"\0" * 8)], PROTOCOL_ERROR),
    ("6.8 GOAWAY of 7 bytes", [frame(GOAWAY, 0, 0, b"\0" * 7)], FRAME_SIZE_ERROR),
    ("6.9 WINDOW_UPDATE by 0 of the connection", [window(0, 0)], PROTOCOL_ERROR),
    ("6.9 WINDOW_UPDATE of 3 bytes", [frame(WINDOW_UPDATE, 0, 0, b"\0\0\1")], FRAME_SIZE_ERROR),
    ("6.9 WINDOW_UPDATE of 5 bytes", [frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0\1")],
     FRAME_SIZE_ERROR),
    ("6.9.1 the connection's window past 2^31 - 1", [window(0, 0x7fffffff)], FLOW_CONTROL_ERROR),
    ("6.10 CONTINUATION without HEADERS", [frame(CONTINUATION, END_HEADERS, 1, PART)],
     PROTOCOL_ERROR),
    ("6.10 CONTINUATION on stream 0",
     [frame(HEADERS, END_STREAM, 1, PART), frame(CONTINUATION, END_HEADERS, 0, b"")],
     PROTOCOL_ERROR),
    ("6.10 CONTINUATION of another stream",
     [frame(HEADERS, END_STREAM, 1, PART), frame(CONTINUATION, END_HEADERS, 3, b"")],
     PROTOCOL_ERROR),
    ("6.10 CONTINUATION behind END_HEADERS",
     [frame(HEADERS, END_HEADERS | END_STREAM, 1, PART), frame(CONTINUATION, END_HEADERS, 1, b"")],
     PROTOCOL_ERROR),
    ("6.10 DATA within a field block",
     [frame(HEADERS, 0, 1, PART), frame(DATA, END_STREAM, 1, b"x")], PROTOCOL_ERROR),
    ("6.2 HEADERS of another stream within a field block",
     [frame(HEADERS, END_STREAM, 1, PART), frame(HEADERS, END_HEADERS | END_STREAM, 3, PART)],
     PROTOCOL_ERROR),
    ("6.2 PRIORITY within a field block",
     [frame(HEADERS, END_STREAM, 1, PART), frame(PRIORITY, 0, 1, b"\0\0\0\3\1")],
     PROTOCOL_ERROR),
    ("6.2 PING within a field block",
     [frame(HEADERS, END_STREAM, 1, PART), frame(PING, 0, 0, b"12345678")], PROTOCOL_ERROR),
    ("5.5 a frame of unknown type within a field block",
     [frame(HEADERS, END_STREAM, 1, PART), frame(0x42, 0, 1, b"x")], PROTOCOL_ERROR),
    ("10.5 more CONTINUATION frames than anybody needs",
     [frame(HEADERS, END_STREAM, 1, PART)] + [frame(CONTINUATION, 0, 1, literal("x", "y"))] * 9,
     ENHANCE_YOUR_CALM),
]


@table(an_http2_server, BAD)
def rfc9113_it_ends_the_connection(site, frames, code):
    with site.peer() as peer:
        peer.send(*frames)
        peer.fails(code)


# --- each that does not ---

FINE = [
    ("4.1 a frame of unknown type", [frame(0x42, 0xff, 0, b"x" * 16384)]),
    ("4.1 a frame of unknown type on a stream", [frame(0x42, 0, 77, b"x")]),
    ("4.1 flags that nobody knows", [frame(PING, 0xfe, 0, b"12345678")]),
    ("6.3 PRIORITY of an idle stream", [frame(PRIORITY, 0, 9, b"\0\0\0\3\1")]),
    ("6.5 SETTINGS without entries", [settings()]),
    ("6.5.2 a setting that nobody knows", [settings((0xff42, 7))]),
    ("6.5.2 MAX_FRAME_SIZE of 2^14", [settings((MAX_FRAME_SIZE, 16384))]),
    ("6.5.2 MAX_FRAME_SIZE of 2^24 - 1", [settings((MAX_FRAME_SIZE, (1 << 24) - 1))]),
    ("6.5.2 INITIAL_WINDOW_SIZE of 2^31 - 1", [settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1))]),
    ("6.5.2 ENABLE_PUSH of 0 and of 1", [settings((ENABLE_PUSH, 0), (ENABLE_PUSH, 1))]),
    ("6.5.2 MAX_CONCURRENT_STREAMS of 0, which binds pushes only",
     [settings((MAX_CONCURRENT_STREAMS, 0))]),
    ("6.7 an acknowledgement of a PING that was not sent", [frame(PING, ACK, 0, b"12345678")]),
    ("6.9.1 the connection's window of 2^31 - 1", [window(0, 0x7fffffff - 65535)]),
]


@table(an_http2_server, FINE)
def rfc9113_it_changes_nothing(site, frames):
    with site.peer() as peer:
        peer.send(*frames)
        peer.answers()


REQUESTS = [
    ("4.1 with the reserved bit of the stream's id",
     lambda part: [frame(HEADERS, END_HEADERS | END_STREAM, 0x80000001, part)]),
    ("4.1 with flags that HEADERS do not have",
     lambda part: [frame(HEADERS, END_HEADERS | END_STREAM | 0xd2, 1, part)]),
    ("6.2 with padding",
     lambda part: [frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\7" + part + b"\0" * 7)]),
    ("6.2 with a priority",
     lambda part: [frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1,
                         b"\0\0\0\0\xff" + part)]),
    ("6.10 with its block in three parts",
     lambda part: [frame(HEADERS, END_STREAM, 1, part[:5]), frame(CONTINUATION, 0, 1, part[5:9]),
                   frame(CONTINUATION, END_HEADERS, 1, part[9:])]),
    ("6.10 with empty parts",
     lambda part: [frame(HEADERS, END_STREAM, 1, b""), frame(CONTINUATION, 0, 1, b""),
                   frame(CONTINUATION, 0, 1, part), frame(CONTINUATION, END_HEADERS, 1, b"")]),
    ("6.10 with eight CONTINUATION frames",
     lambda part: [frame(HEADERS, END_STREAM, 1, part)] +
     [frame(CONTINUATION, END_HEADERS if i == 7 else 0, 1, literal("x", "y")) for i in range(8)]),
]


@table(an_http2_server, REQUESTS)
def rfc9113_a_request_is_answered(site, make):
    with site.peer() as peer:
        peer.send(*make(PART))
        assert peer.reply(1).status == 200


# --- those whose effect is seen ---

@case(an_http2_server)
def rfc9113_4_2_data_of_max_frame_size_is_taken(site):
    with site.peer() as peer:
        stream = peer.ask(POST, END_HEADERS)
        peer.send(frame(DATA, END_STREAM, stream, b"x" * 16384))
        assert peer.reply(stream).status == 405
        peer.answers()


@case(an_http2_server)
def rfc9113_4_2_no_frame_is_longer_than_the_client_takes(site):
    with site.peer((INITIAL_WINDOW_SIZE, 1 << 20)) as peer:
        peer.send(window(0, 1 << 20))
        assert len(peer.reply(peer.ask(get("/big.bin"))).body) == 3 << 20


@case(an_http2_server)
def rfc9113_6_1_padding_counts_and_is_dropped(site):
    with site.peer() as peer:
        stream = peer.ask(POST, END_HEADERS)
        peer.send(frame(DATA, PADDED | END_STREAM, stream, b"\x10data" + b"\0" * 16))
        assert peer.reply(stream).status == 405
        peer.answers()


@case(an_http2_server)
def rfc9113_6_3_priority_of_another_length_resets_its_stream(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        stream = peer.ask()
        peer.send(frame(PRIORITY, 0, stream, b"\0\0\0\3"))
        peer.resets_or_fails(stream, FRAME_SIZE_ERROR)


@case(an_http2_server)
def rfc9113_6_4_a_reset_stream_is_heard_of_no_more(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        stream = peer.ask()
        while peer.frame().type != HEADERS:
            pass
        peer.send(reset(stream), settings((INITIAL_WINDOW_SIZE, 65535)),
                  frame(PING, 0, 0, b"anything"))
        while True:
            came = peer.frame()
            assert came.stream_id != stream, came
            if came.type == PING:
                break


@case(an_http2_server)
def rfc9113_6_5_each_settings_is_acknowledged_once(site):
    with site.peer() as peer:
        peer.send(settings(), settings((MAX_FRAME_SIZE, 20000)), settings(),
                  frame(PING, 0, 0, b"behind !"))
        acks = 0
        while True:
            came = peer.frame()
            acks += came.type == SETTINGS and "ACK" in came.flags
            if came.type == PING:
                break
        assert acks == 3, acks


@case(an_http2_server)
def rfc9113_6_5_2_a_server_does_not_enable_push(site):
    with site.peer() as peer:
        assert peer.theirs.get(ENABLE_PUSH, 0) == 0


@case(an_http2_server)
def rfc9113_6_5_3_settings_take_effect_in_their_order(site):
    with site.peer() as peer:
        peer.send(settings((INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 3)))
        stream = peer.ask()
        while True:
            came = peer.frame()
            if came.type == DATA and came.stream_id == stream:
                assert came.data == b"abc", came.data
                break
        peer.is_alive()


@case(an_http2_server)
def rfc9113_6_7_a_ping_comes_back_with_its_bytes(site):
    with site.peer() as peer:
        peer.send(frame(PING, 0, 0, b"\0\xff{bytes"[:8]))
        came = peer.next(PING)
        assert "ACK" in came.flags and came.opaque_data == b"\0\xff{bytes"[:8]


@case(an_http2_server)
def rfc9113_6_7_an_acknowledgement_is_not_acknowledged(site):
    with site.peer() as peer:
        peer.send(frame(PING, ACK, 0, b"not mine"), frame(PING, 0, 0, b"but this"))
        assert peer.next(PING).opaque_data == b"but this"


@case(an_http2_server)
def rfc9113_6_8_after_goaway_what_is_begun_is_finished(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        stream = peer.ask()
        peer.send(frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR) + b"bye"),
                  window(stream, 1000))
        reply = peer.reply(stream)
        assert reply.body == b"abcdefghijklmnopqrstuvwxyz"
        peer.closes()


@case(an_http2_server)
def rfc9113_6_8_goaway_names_the_last_stream_that_was_taken(site):
    with site.peer() as peer:
        peer.answers()
        peer.answers()
        peer.send(frame(PING, 0, 0, b"short"))
        while True:
            came = peer.frame()
            if came.type == GOAWAY:
                assert came.last_stream_id == 3, came.last_stream_id
                break
        peer.closes()


@case(an_http2_server)
def rfc9113_6_9_window_update_by_0_is_an_error_of_its_stream(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        stream = peer.ask()
        peer.send(window(stream, 0))
        peer.resets_or_fails(stream, PROTOCOL_ERROR)


@case(an_http2_server)
def rfc9113_6_9_1_a_streams_window_past_2_31_resets_it(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        stream = peer.ask()
        while peer.frame().type != HEADERS:
            pass
        peer.send(window(stream, 0x7fffffff), window(stream, 1))
        while True:
            came = peer.frame()
            if came.type == RST_STREAM:
                assert came.error_code == FLOW_CONTROL_ERROR
                break
            assert came.type == DATA, came
            if "END_STREAM" in came.flags:
                break  # it was done before the second one came
        peer.is_alive()


@case(an_http2_server)
def rfc9113_6_9_2_settings_that_overflow_a_window_fail(site):
    with site.peer((INITIAL_WINDOW_SIZE, 100)) as peer:
        peer.ask(get("/big.bin"))
        while peer.frame().type != DATA:
            pass
        peer.send(window(1, 0x7fffff00), settings((INITIAL_WINDOW_SIZE, 0x7fffffff)))
        peer.fails(FLOW_CONTROL_ERROR)


@case(an_http2_server)
def rfc9113_7_an_unknown_error_code_is_as_good_as_another(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.send(reset(peer.ask(), 0xdeadbeef))
        peer.is_alive()
        peer.send(settings((INITIAL_WINDOW_SIZE, 65535)))
        peer.answers()


@case(an_http2_server)
def rfc9113_6_5_2_a_table_size_of_0_is_obeyed(site):
    with site.peer((HEADER_TABLE_SIZE, 0)) as peer:
        peer.decoder.max_allowed_table_size = 0
        peer.answers()
        peer.answers()
        assert peer.decoder.header_table_size == 0
        assert len(peer.decoder.header_table.dynamic_entries) == 0
