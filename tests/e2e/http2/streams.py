"""RFC 9113 section 5: states, ids and windows of streams."""
import time

from peer import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS,
                  INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PING, PRIORITY,
                  PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, STREAM_CLOSED, block, frame, get,
                  Ended, reset, settings, window)
from run import case, table
from site_h2 import BIG_BYTES, LETTERS, an_http2_server

PART = block(get())
TRAILERS = block([("x-sum", "1")])

# --- section 5.1: states. Each row: what is sent on stream 5, and the errors that it may be ---

IDLE = [
    ("DATA", frame(DATA, END_STREAM, 5, b"x"), PROTOCOL_ERROR),
    ("RST_STREAM", reset(5), PROTOCOL_ERROR),
    ("WINDOW_UPDATE", window(5, 1), PROTOCOL_ERROR),
    ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 5, PART), PROTOCOL_ERROR),
]


@table(an_http2_server, IDLE)
def rfc9113_5_1_an_idle_stream_takes_no(site, sent, code):
    with site.peer() as peer:
        peer.send(sent)
        peer.fails(code)


ENDED = [
    ("DATA", frame(DATA, END_STREAM, 1, b"x"), STREAM_CLOSED),
    ("HEADERS", frame(HEADERS, END_STREAM | END_HEADERS, 1, TRAILERS), STREAM_CLOSED),
    ("a second request", frame(HEADERS, END_STREAM | END_HEADERS, 1, PART), STREAM_CLOSED),
    ("CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, PART), PROTOCOL_ERROR),
]
LATE = [
    ("WINDOW_UPDATE", window(1, 1)),
    ("PRIORITY", frame(PRIORITY, 0, 1, b"\0\0\0\3\1")),
    ("RST_STREAM", reset(1)),
]


@table(an_http2_server, ENDED)
def rfc9113_5_1_a_half_closed_stream_takes_no(site, sent, code):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.ask()
        peer.next(HEADERS)  # the reply's; its DATA waits for a window
        peer.send(sent)
        peer.resets_or_fails(1, code)


@table(an_http2_server, LATE)
def rfc9113_5_1_a_half_closed_stream_takes(site, sent):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.ask()
        peer.next(HEADERS)
        peer.send(sent)
        peer.is_alive()


@table(an_http2_server, ENDED)
def rfc9113_5_1_a_closed_stream_takes_no(site, sent, code):
    with site.peer() as peer:
        peer.answers()
        peer.send(sent)
        peer.fails(code)


@table(an_http2_server, LATE)
def rfc9113_5_1_a_closed_stream_takes(site, sent):
    with site.peer() as peer:
        peer.answers()
        peer.send(sent)
        peer.answers()


@table(an_http2_server, ENDED)
def rfc9113_5_1_a_stream_that_the_client_has_reset_takes_no(site, sent, code):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.ask()
        peer.send(reset(1))
        peer.is_alive()
        peer.send(sent)
        peer.fails(code)


ON_THEIR_WAY = [
    ("DATA", frame(DATA, END_STREAM, 1, b"x")),
    ("trailers", frame(HEADERS, END_STREAM | END_HEADERS, 1, TRAILERS)),
    ("WINDOW_UPDATE", window(1, 1)),
    ("RST_STREAM", reset(1)),
]


@table(an_http2_server, ON_THEIR_WAY)
def rfc9113_5_1_a_stream_that_the_server_has_reset_ignores(site, sent):
    with site.peer() as peer:
        peer.send(frame(HEADERS, END_HEADERS, 1, block(get("no-slash", method="POST"))))
        assert peer.next(RST_STREAM).stream_id == 1
        peer.next_id = 3
        peer.send(sent)
        peer.answers()


@case(an_http2_server)
def rfc9113_5_1_what_a_reset_stream_carries_still_counts_for_hpack(site):
    with site.peer() as peer:
        bad = peer.encoder.encode(get("no-slash", ("x-kept", "in the table")))
        good = peer.encoder.encode(get("/letters.txt", ("x-kept", "in the table")))
        assert len(good) < len(bad)
        peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bad),
                  frame(HEADERS, END_HEADERS | END_STREAM, 3, good))
        assert peer.reply(3).status == 200


# --- section 5.1.1: ids ---

@table(an_http2_server, [("0", 0), ("2", 2), ("2^31 - 2", 0x7ffffffe)])
def rfc9113_5_1_1_a_client_may_not_open_stream(site, stream):
    with site.peer() as peer:
        peer.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, PART))
        peer.fails(PROTOCOL_ERROR)


@case(an_http2_server)
def rfc9113_5_1_1_an_id_that_was_passed_over_is_closed(site):
    with site.peer() as peer:
        assert peer.reply(peer.ask(stream=9)).status == 200
        peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, PART))
        peer.fails(PROTOCOL_ERROR)


@case(an_http2_server)
def rfc9113_5_1_1_the_highest_id_is_taken(site):
    with site.peer() as peer:
        assert peer.reply(peer.ask(stream=0x7fffffff)).status == 200


# --- section 5.1.2: how many ---

@case(an_http2_server)
def rfc9113_5_1_2_streams_past_their_number_are_refused(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        most = peer.theirs[MAX_CONCURRENT_STREAMS]
        assert 1 <= most <= 1000, most
        for _ in range(most):
            peer.ask()
        peer.is_alive()
        peer.resets_or_fails(peer.ask(), PROTOCOL_ERROR, REFUSED_STREAM)


@case(an_http2_server)
def rfc9113_5_1_2_a_stream_that_has_ended_makes_place(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        streams = [peer.ask() for _ in range(peer.theirs[MAX_CONCURRENT_STREAMS])]
        peer.send(reset(streams[0]))
        peer.is_alive()
        peer.ask()
        peer.is_alive()


# --- section 5.2 and 6.9: windows ---

def data(peer, count):
    """That many bytes of DATA, and not one more before a PING sent then is answered."""
    taken = b""
    while len(taken) < count:
        came = peer.frame()
        assert came.type not in (GOAWAY, RST_STREAM), came
        taken += came.data if came.type == DATA else b""
    peer.send(frame(PING, 0, 0, b"until me"))
    came = peer.frame()
    while came.type != PING:
        assert came.type != DATA, f"{len(came.data)} bytes past {count}"
        came = peer.frame()
    return taken


@case(an_http2_server)
def rfc9113_6_9_no_data_without_a_window(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.ask()
        peer.next(HEADERS)
        assert data(peer, 0) == b""
        peer.send(window(1, 1))
        assert data(peer, 1) == b"a"
        peer.send(window(1, 24))
        assert data(peer, 24) == LETTERS[1:25]
        peer.send(window(1, 100))
        assert data(peer, 1) == b"z"


@case(an_http2_server)
def rfc9113_6_9_an_empty_end_needs_no_window(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        reply = peer.reply(peer.ask(get(method="HEAD")))
        assert reply.status == 200 and reply.ended


@case(an_http2_server)
def rfc9113_6_9_1_the_streams_window_is_kept(site):
    with site.peer() as peer:
        peer.send(window(0, 1 << 20))
        peer.ask(get("/big.bin"))
        assert len(data(peer, 65535)) == 65535


@case(an_http2_server)
def rfc9113_6_9_1_the_connections_window_is_kept(site):
    with site.peer((INITIAL_WINDOW_SIZE, 1 << 20)) as peer:
        peer.ask(get("/big.bin"))
        peer.ask(get("/big.bin"))
        assert len(data(peer, 65535)) == 65535
        peer.send(window(0, 1000))
        assert len(data(peer, 1000)) == 1000


@case(an_http2_server)
def rfc9113_6_9_2_settings_change_the_windows_of_open_streams(site):
    with site.peer((INITIAL_WINDOW_SIZE, 3)) as peer:
        peer.ask()
        assert data(peer, 3) == b"abc"
        peer.send(settings((INITIAL_WINDOW_SIZE, 5)))
        assert data(peer, 2) == b"de"


@case(an_http2_server)
def rfc9113_6_9_2_a_window_may_be_negative(site):
    with site.peer((INITIAL_WINDOW_SIZE, 10)) as peer:
        peer.ask()
        assert data(peer, 10) == LETTERS[:10]
        peer.send(settings((INITIAL_WINDOW_SIZE, 4)))  # now it is -6
        assert data(peer, 0) == b""
        peer.send(window(1, 6))
        assert data(peer, 0) == b""
        peer.send(window(1, 1))
        assert data(peer, 1) == b"k"


@case(an_http2_server)
def rfc9113_6_9_2_settings_do_not_change_the_connections_window(site):
    with site.peer((INITIAL_WINDOW_SIZE, 1 << 22)) as peer:
        peer.ask(get("/big.bin"))
        assert len(data(peer, 65535)) == 65535
        peer.send(settings((INITIAL_WINDOW_SIZE, 1 << 23)))
        assert data(peer, 0) == b""


@case(an_http2_server)
def rfc9113_5_2_one_stream_that_is_stuck_does_not_stop_another(site):
    with site.peer((INITIAL_WINDOW_SIZE, 0)) as peer:
        peer.ask(get("/big.bin"))
        stream = peer.ask()
        peer.send(window(stream, 100))
        assert peer.reply(stream).body == LETTERS


@case(an_http2_server)
def rfc9113_5_2_large_bodies_flow_as_windows_open(site):
    with site.peer() as peer:
        reply = peer.reply(peer.ask(get("/big.bin")))
        assert reply.body == bytes(range(256)) * (BIG_BYTES // 256)


@case(an_http2_server)
def rfc9113_6_9_data_of_requests_opens_the_window_again(site):
    with site.peer() as peer:
        for _ in range(100):  # 1.6 MiB in all
            stream = peer.ask(get(method="POST"), END_HEADERS)
            peer.send(frame(DATA, END_STREAM, stream, b"x" * 16384))
            assert peer.reply(stream).status == 405


@case(an_http2_server)
def rfc9113_8_1_who_is_answered_early_is_told_to_stop(site):
    with site.peer() as peer:
        stream = peer.ask(get(method="POST"), END_HEADERS)
        assert peer.reply(stream).status == 405
        peer.send(frame(DATA, 0, stream, b"x"))  # swallowed
        # Not beside the reply, which some clients would then forget, but after a second.
        asked = time.monotonic()
        came = peer.next(RST_STREAM)
        assert came.stream_id == stream and came.error_code == 0
        assert time.monotonic() - asked > 0.9
        peer.send(frame(DATA, END_STREAM, stream, b"x"))
        peer.answers()


@case(an_http2_server)
def rfc9113_5_4_1_nothing_follows_a_goaway_of_error(site):
    with site.peer() as peer:
        peer.send(frame(DATA, END_STREAM, 77, b"x"),
                  frame(HEADERS, END_HEADERS | END_STREAM, 79, PART))
        peer.next(GOAWAY)
        try:
            came = peer.frame()
        except Ended:
            return
        assert False, came
