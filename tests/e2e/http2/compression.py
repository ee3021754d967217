"""RFC 7541: what HPACK must refuse, and what it must understand."""
from peer import (COMPRESSION_ERROR, CONTINUATION, END_HEADERS, END_STREAM, HEADERS,
                  HEADER_TABLE_SIZE, RST_STREAM, frame, settings)
from run import case, table
from site_h2 import an_http2_server

# GET / http over the static table, then :authority as a literal; the path is not there yet.
HEAD = b"\x82\x86\x41\x09localhost"
GOOD = HEAD + b"\x44\x0c/letters.txt"


def ask(peer, data, *rest):
    stream = peer.id()
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, data), *rest)
    return stream


BAD = [
    ("2.3.3 an index past the static table, the dynamic one being empty", b"\xbe" + GOOD),
    ("2.3.3 an index past both tables", GOOD + b"\xff\x80\x01"),
    ("2.3.3 a literal's name past both tables", GOOD + b"\x7f\x80\x01\x01v"),
    ("2.3.3 the name of a literal that is never indexed past both", GOOD + b"\x1f\x80\x01\x01v"),
    ("4.2 a table size above SETTINGS", b"\x3f\xe2\x1f" + GOOD),
    ("4.2 a table size behind a field", GOOD + b"\x20"),
    ("4.2 a table size alone, behind a field", GOOD[:1] + b"\x3e" + GOOD[1:]),
    ("5.1 an integer that overflows", GOOD + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f"),
    ("5.1 an integer that does not end", GOOD + b"\xff\xff"),
    ("5.2 a string longer than the block", GOOD + b"\x00\x01x\x7f\xff\x01v"),
    ("5.2 a name longer than the block", GOOD + b"\x00\x05x"),
    ("5.2 a literal without a value", GOOD + b"\x00\x01x"),
    ("5.2 Huffman with the code of EOS", GOOD + b"\x00\x84\xff\xff\xff\xff\x01v"),
    ("5.2 Huffman padding of more than 7 bits", GOOD + b"\x00\x82\x1f\xff\x01v"),
    ("5.2 Huffman padding that is not of EOS", GOOD + b"\x00\x81\x18\x01v"),
    ("6.1 the index 0", GOOD + b"\x80"),
]


@table(an_http2_server, BAD)
def rfc7541_it_ends_the_connection(site, data):
    with site.peer() as peer:
        ask(peer, data)
        peer.fails(COMPRESSION_ERROR)


@case(an_http2_server)
def rfc9113_4_3_a_block_that_breaks_off_ends_the_connection(site):
    with site.peer() as peer:
        stream = peer.id()
        peer.send(frame(HEADERS, END_STREAM, stream, GOOD + b"\x00\x05x"),
                  frame(CONTINUATION, END_HEADERS, stream, b"y"))
        peer.fails(COMPRESSION_ERROR)


FINE = [
    ("4.2 a table size of 0", b"\x20" + GOOD),
    ("4.2 two table sizes", b"\x20\x3f\xe1\x1f" + GOOD),
    ("4.2 the table size of SETTINGS", b"\x3f\xe1\x1f" + GOOD),
    ("4.4 an entry larger than the table",
     GOOD + b"\x40\x01x\x7f\xa1\x1f" + b"v" * 4128),
    ("5.1 an integer with leading zeroes", GOOD + b"\x00\x01x\x7f\x81\x80\x00" + b"v" * 128),
    ("5.2 Huffman in name and value", GOOD + b"\x00\x81\xf3\x81\xf7"),
    ("5.2 an empty value", GOOD + b"\x00\x01x\x00"),
    ("6.2.1 a literal that is indexed", GOOD + b"\x40\x01x\x01v"),
    ("6.2.1 and found again", GOOD + b"\x40\x01x\x01v\xbe"),
    ("6.2.2 a literal that is not indexed", GOOD + b"\x00\x01x\x01v"),
    ("6.2.2 with an indexed name", GOOD + b"\x0f\x2b\x01v"),
    ("6.2.3 a literal that is never indexed", GOOD + b"\x10\x01x\x01v"),
]


@table(an_http2_server, FINE)
def rfc7541_it_is_understood(site, data):
    with site.peer() as peer:
        assert peer.reply(ask(peer, data)).status == 200
        peer.answers()


@case(an_http2_server)
def rfc7541_2_3_2_the_table_lasts_from_block_to_block(site):
    with site.peer() as peer:
        assert peer.reply(ask(peer, GOOD)).status == 200
        # :authority is entry 63 now, and :path 62.
        assert peer.reply(ask(peer, b"\x82\x86\xbf\xbe")).status == 200


@case(an_http2_server)
def rfc7541_4_3_a_smaller_table_drops_its_entries(site):
    with site.peer() as peer:
        assert peer.reply(ask(peer, GOOD)).status == 200
        ask(peer, b"\x20\x82\x86\xbf\xbe")
        peer.fails(COMPRESSION_ERROR)


@case(an_http2_server)
def rfc7541_4_4_a_new_entry_drops_the_oldest(site):
    with site.peer() as peer:
        assert peer.reply(ask(peer, GOOD)).status == 200
        large = b"\x40\x01x\x7f\xa1\x1e" + b"v" * 4000  # leaves place for one of the two
        assert peer.reply(ask(peer, b"\x82\x86\xbf\xbe" + large)).status == 200
        # 62 is the large one, 63 :path; :authority is gone.
        ask(peer, b"\x82\x86\xbf\xc0")
        peer.fails(COMPRESSION_ERROR)


@case(an_http2_server)
def rfc7541_2_3_2_blocks_of_refused_requests_count_too(site):
    with site.peer() as peer:
        ask(peer, GOOD + b"\x40\x03X-Y\x01v")  # malformed: a name in upper case
        assert peer.next(RST_STREAM).stream_id == 1
        assert peer.reply(ask(peer, b"\x82\x86\xc0\xbf")).status == 200


@case(an_http2_server)
def rfc7541_2_3_2_a_header_list_past_its_bound_counts_too(site):
    with site.peer() as peer:
        large = b"\x40\x01x\x7f\xa1\x1e" + b"v" * 4000
        assert peer.reply(ask(peer, HEAD + large + b"\xbe" * 20 + b"\x44\x0c/letters.txt")) \
            .status == 431
        # 62 is :path, 63 the large one; :authority had to go.
        assert peer.reply(ask(peer, b"\x82\x86\xbe\x41\x09localhost")).status == 200


@case(an_http2_server)
def rfc7541_4_2_a_table_size_of_the_clients_is_kept(site):
    with site.peer((HEADER_TABLE_SIZE, 100)) as peer:
        peer.decoder.max_allowed_table_size = 100
        for _ in range(3):
            peer.answers()
            assert peer.decoder.header_table_size <= 100


@case(an_http2_server)
def rfc7541_4_2_a_larger_table_need_not_be_used_but_announced_sizes_fit(site):
    with site.peer((HEADER_TABLE_SIZE, 65536)) as peer:
        peer.decoder.max_allowed_table_size = 65536
        for _ in range(3):
            peer.answers()
            assert peer.decoder.header_table_size <= 65536


@case(an_http2_server)
def rfc7541_6_3_a_changed_table_size_is_told_before_it_is_used(site):
    with site.peer() as peer:
        peer.answers()
        peer.decoder.max_allowed_table_size = 0
        peer.send(settings((HEADER_TABLE_SIZE, 0)))
        peer.answers()
        assert peer.decoder.header_table_size == 0

