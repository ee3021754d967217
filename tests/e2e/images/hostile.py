"""Pictures made to harm: bombs, broken files, scripts; and policies that leave less to ask."""
import random
import re
import struct
import zlib

import pictures
from run import case, fixture, table
from selvedge import SLOW
from studio import link, samples, serve


@fixture
def a_server_under_attack():
    with serve(settings={"jails": {"count": 2}}) as server:
        yield server


def put(server, name, data):
    (server.root / name).write_bytes(data)
    return name


def patched_jpeg(data, width, height):
    """The size in the frame header replaced."""
    at = min(found for found in (data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) if found >= 0)
    return data[:at + 5] + struct.pack(">HH", height, width) + data[at + 9:]


def many_chunks(kind, count):
    body = b"k\0" + (b"" if kind == b"tEXt" else b"\0") + zlib.compress(b"a" * 100000)
    whole = samples()["tiny.png"]
    piece = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return whole[:33] + piece * count + whole[33:]


def webp_of(width, height):
    return (b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0"
            + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3])


BOMBS = {
    "a PNG of 64250 squared": lambda jpeg: pictures.png(8, 8, b"\0" * 192, claim=(64250, 64250)),
    "a PNG of 2^31": lambda jpeg: pictures.png(8, 8, b"\0" * 192, claim=(2**31 - 1, 2**31 - 1)),
    "a PNG of no width": lambda jpeg: pictures.png(8, 8, b"\0" * 192, claim=(0, 8)),
    "a long PNG": lambda jpeg: pictures.png(8, 8, b"\0" * 192, claim=(1, 200000000)),
    "a JPEG of 64250 squared": lambda jpeg: patched_jpeg(jpeg, 64250, 64250),
    "a JPEG of no height": lambda jpeg: patched_jpeg(jpeg, 100, 0),
    "a GIF of 65535 squared": lambda jpeg: pictures.gif(8, 8, 1, claim=(65535, 65535)),
    "a WebP of 2^24 squared": lambda jpeg: webp_of(1 << 24, 1 << 24),
}


@table(a_server_under_attack, list(BOMBS.items()))
def a_bomb_is_refused_from_its_header(server, make):
    jpeg = server.ask(link("width=64,format=jpeg")).body
    reply = server.ask(link("width=10", put(server, "bomb", make(jpeg))))
    assert reply.status in (413, 415, 422), reply
    assert reply.code in ("limit", "media-type", "corrupt"), reply


@table(a_server_under_attack, [(options, options) for options in (
    "width=16384,height=16384,fit=pad", "width=16384,fit=scale-up", "width=12001,height=1,fit=pad",
    "width=7000,height=7000,fit=cover,dpr=2", "height=16384,fit=contain")])
def a_result_past_its_bounds_is_refused(server, options):
    reply = server.ask(link(options))
    assert (reply.status, reply.code) == (413, "limit"), reply


@case(a_server_under_attack)
def an_animation_of_107_thousand_frames_is_cut(server):
    one = pictures.gif(2, 2, 1)
    frame = one[one.index(b"\x21\xf9"):-1]
    count = 107000 if SLOW == 1 else 5000  # that many take a sanitizer's allocator minutes
    name = put(server, "frames.gif", one[:-1] + frame * count + b"\x3b")
    reply = server.ask(link("width=2", name))
    assert reply.status in (200, 413), reply
    still = server.ask(link("width=2,anim=false", name))
    assert still.status in (200, 413), still


@table(a_server_under_attack, [(kind.decode(), kind) for kind in (b"zTXt", b"tEXt", b"iTXt")])
def two_thousand_text_chunks_do_no_harm(server, kind):
    reply = server.ask(link("width=5", put(server, "chunks.png", many_chunks(kind, 2000))))
    assert reply.status in (200, 413, 422), reply


@table(a_server_under_attack, [("PNG", "format=png"), ("JPEG", "format=jpeg"),
                               ("WebP", "format=webp"), ("AVIF", "format=avif"),
                               ("GIF", "format=gif")])
def a_truncated_file_fails_or_gives_the_same_each_time(server, options):
    """Memory that leaks into pixels shows as a difference between two runs."""
    whole = server.ask(link("width=160," + options)).body
    chance = random.Random(7)
    cuts = sorted({1, 2, 8, 20, 33, len(whole) - 1, len(whole) - 12}
                  | {chance.randrange(1, len(whole)) for _ in range(25)})
    statuses = set()
    with server.connect() as conn:
        for cut in cuts:
            seen = set()
            for run in range(2):
                name = put(server, f"cut-{options[7:]}-{cut}-{run}", whole[:cut])
                reply = conn.ask(link("width=40,format=png", name))
                seen.add((reply.status, reply.body if reply.status == 200 else b""))
                assert reply.status in (200, 415, 422), (cut, reply)
                statuses.add(reply.status)
            assert len(seen) == 1, f"two answers to {cut} bytes of {len(whole)}"
    assert 422 in statuses, statuses


@case(a_server_under_attack)
def a_corrupt_file_fails_or_gives_the_same_each_time(server):
    chance = random.Random(8)
    for name in ("png", "jpeg", "webp", "avif", "gif"):
        whole = bytearray(server.ask(link(f"width=100,format={name}")).body)
        for number in range(15):
            broken = bytearray(whole)
            for _ in range(chance.choice((1, 5, 50))):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            seen = set()
            for run in range(2):
                file = put(server, f"broken-{name}-{number}-{run}", bytes(broken))
                reply = server.ask(link("width=40,format=png", file))
                assert reply.status in (200, 400, 413, 415, 422, 504), reply
                seen.add((reply.status, reply.body if reply.status == 200 else b""))
            assert len(seen) == 1, (name, number)


@table(a_server_under_attack, [
    ("PDF", b"%PDF-1.4\n%..."), ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    ("TIFF without anything", b"II*\0\xff\xff\xff\xff"), ("BMP", b"BM" + b"\0" * 60),
    ("PPM", b"P6\n2 2\n255\n" + b"\0" * 12),
    ("FITS", b"SIMPLE  =                    T" + b" " * 80),
    ("OpenEXR", b"\x76\x2f\x31\x01" + b"\0" * 60), ("Radiance", b"#?RADIANCE\n" + b"\0" * 60),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 60), ("JPEG XL", b"\xff\x0a" + b"\0" * 60),
    ("MVG", b"push graphic-context\nimage over 0,0 0,0 'url(http://127.0.0.1/)'\n"),
    ("MSL", b"<?xml version='1.0'?><image><read filename='/etc/passwd'/></image>"),
    ("HTML", b"<html><script>1</script></html>"), ("MATLAB", b"MATLAB 5.0 MAT-file" + b"\0" * 60),
    ("ELF", b"\x7fELF" + b"\0" * 60), ("ZIP", b"PK\3\4" + b"\0" * 60),
    ("CSV", b"1,2,3\n4,5,6\n"), ("NUL", b"\0" * 100), ("one byte", b"\x89"),
])
def what_is_not_read_here_is_refused(server, data):
    reply = server.ask(link("width=5", put(server, "strange.png", data)))
    server.purge(source="/strange.png")
    assert reply.status in (415, 422), reply


@case(a_server_under_attack)
def a_polyglot_does_not_survive(server):
    for kind, options in (("gif", "format=gif"), ("jpeg", "format=jpeg"), ("png", "format=png")):
        whole = server.ask(link("width=60," + options)).body
        name = put(server, f"polyglot.{kind}", whole + b"<script>alert(1)</script>PK\3\4payload")
        reply = server.ask(link("width=50," + options, name))
        if reply.status == 200:
            assert b"<script>" not in reply.body and b"payload" not in reply.body, kind
            assert reply.get("X-Content-Type-Options") == "nosniff"


# --- SVG ---

@case(a_server_under_attack)
def an_svg_loses_what_can_act(server):
    reply = server.ask(link("width=20", "picture.svg"))
    assert reply.status == 200 and reply.get("Content-Type").startswith("image/svg+xml"), reply
    text = reply.body.decode()
    for bad in ("script", "onload", "onclick", "iframe", "foreignObject", "evil.example", "ENTITY",
                "javascript", "java", "alert", "stylesheet", "DOCTYPE", "animate", "@import"):
        assert bad.lower() not in text.lower(), (bad, text)
    assert "<rect" in text and "#369" in text, text


@case(a_server_under_attack)
def an_svg_comes_with_a_policy_that_forbids_all(server):
    policy = server.ask(link("width=20", "picture.svg")).get("Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox", policy


@table(a_server_under_attack, [
    ("a billion laughs", b'<!DOCTYPE svg [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
     + b']><svg xmlns="http://www.w3.org/2000/svg"><text>&j;</text></svg>'),
    ("nesting without end", b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g>" * 100000),
    ("no end", b'<svg xmlns="http://www.w3.org/2000/svg"><rect'),
    ("an external entity", b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
     b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'),
    ("an external DTD", b'<!DOCTYPE svg SYSTEM "file:///etc/passwd">'
     b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'),
    ("another encoding", '<?xml version="1.0" encoding="UTF-16"?><svg xmlns="http://www.w3.org/'
     '2000/svg"><script>haha</script></svg>'.encode("utf-16")),
    ("a script in another namespace", b'<svg xmlns="http://www.w3.org/2000/svg" '
     b'xmlns:s="http://www.w3.org/2000/svg" xmlns:h="http://www.w3.org/1999/xhtml">'
     b'<s:script>haha</s:script><h:script>haha</h:script></svg>'),
])
def a_hostile_svg_is_refused_or_harmless(server, data):
    reply = server.ask(link("width=20", put(server, "hostile.svg", data)))
    server.purge(source="/hostile.svg")
    assert reply.status in (200, 413, 415, 422), reply
    assert b"root:" not in reply.body and b"haha" not in reply.body and len(reply.body) < 10000


@case(a_server_under_attack)
def after_all_that_pictures_are_still_made(server):
    assert server.ask(link("width=33")).status == 200
    assert server.metrics()["selvedge_image_jail_deaths_total"] == 0


# --- policies ---

@fixture
def a_server_of_presets_only():
    with serve({"presets_only": True, "allowed_options": ["width", "format"], "presets": {
            "thumb": {"options": "width=40,height=40,fit=cover"},
            "framed": {"options": "width=50", "border": {"color": "red", "width": 3}},
            "marked": {"options": "width=100,format=png", "draw": [
                {"url": "/quadrants.png", "width": 20, "right": 0, "bottom": 0}]}}}) as server:
        yield server


@table(a_server_of_presets_only, [
    ("a preset", "preset=thumb", 200), ("with a width", "preset=thumb,width=30", 200),
    ("with a format", "preset=thumb,format=webp", 200), ("none", "width=30", 403),
    ("an option that is not allowed", "preset=thumb,height=30", 403),
    ("another one", "preset=thumb,blur=3", 403), ("an unknown preset", "preset=other", 400),
    ("a preset twice", "preset=thumb,preset=framed", 400),
])
def only_presets_are_made(server, options, status):
    reply = server.ask(link(options))
    assert reply.status == status, reply


@case(a_server_of_presets_only)
def presets_have_borders_and_overlays(server):
    framed = server.ask(link("preset=framed,format=png"))
    width, height, rows = pictures.pixels_of(framed.body)
    assert rows[0][0][:3] == (255, 0, 0) and (width, height)[0] in (50, 56), (width, rows[0][0])
    marked = server.ask(link("preset=marked"))
    width, height, rows = pictures.pixels_of(marked.body)
    assert all(abs(a - b) < 60 for a, b in zip(rows[height - 2][width - 2], (255, 255, 0)))


@fixture
def a_server_of_few_options():
    with serve({"allowed_options": ["width", "trim"], "svg": False}) as server:
        yield server


@table(a_server_of_few_options, [
    ("width", "width=30", 200), ("its alias", "w=30", 200), ("trim", "trim=1;1;1;1", 200),
    ("a part of trim", "trim.top=1", 200), ("height", "height=30", 403),
    ("format", "width=30,format=webp", 403),
])
def only_allowed_options_are_followed(server, options, status):
    reply = server.ask(link(options))
    assert reply.status == status, reply
    if status == 403:
        assert reply.code == "denied" and re.search(rb"height|format", reply.body), reply


@case(a_server_of_few_options)
def svg_is_refused_where_it_is_off(server):
    assert server.ask(link("width=20", "picture.svg")).status == 415
