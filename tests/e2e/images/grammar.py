"""The grammar of options: each at its bounds, past them, wrong, empty, doubled and encoded."""
import json

import pictures
from run import case, fixture, table
from studio import link, serve


@fixture
def a_server_of_pictures():
    with serve() as server:
        yield server


GOOD = """width=1 width=16384 w=5 width=auto height=1 height=16384 h=5 dpr=0.01 dpr=1.5 dpr=2 dpr=1
fit=scale-down fit=contain fit=cover fit=crop fit=aspect-crop fit=pad fit=squeeze fit=scale-up
gravity=auto gravity=entropy gravity=left gravity=right gravity=top gravity=bottom gravity=center
g=0x0 gravity=1x1 gravity=0.25x0.75 zoom=0 zoom=1 face-zoom=0.5 quality=1 quality=100
quality=high quality=medium-high quality=medium-low q=low scq=50 slow-connection-quality=low
format=auto format=avif format=webp format=jpeg format=baseline-jpeg format=json format=png
format=png-force f=gif format=svg anim=true anim=false background=red background=%23fff
background=%23ff000080 background=rgb(1,2,3) background=rgba(1,2,3,0.5) background=RED blur=0
blur=250 blur=0.5 sharpen=0 sharpen=10 brightness=0 brightness=10 contrast=0.5 saturation=0
saturation=10 gamma=0 gamma=2.2 rotate=0 rotate=90 rotate=180 rotate=270 rotate=360 flip=h flip=v
flip=hv trim=0;0;0;0 trim=1;2;3;4 trim=border trim.top=1 trim.left=1,trim.width=5,trim.height=5
trim.border.color=white trim.border.tolerance=0 trim.border.tolerance=255
trim=border,trim.border.keep=2 metadata=copyright metadata=keep metadata=none onerror=redirect
compression=fast upscale=interpolate blurhash=true blurhash=false thumbhash=true frames=1
frames=65535 width=5,height=5,fit=pad,background=blue wid%74h=5 width%3D5 width=5%2Cheight=4
w%69dth%3d%35""".split()

BAD = """width=0 width=16385 width=-1 width=1.5 width=1e2 width=0x10 width=+5 width=five width=AUTO
width=auto2 width=99999999999999999999 width height=0 height=16385 height=auto h= w= dpr=0
dpr=2.01 dpr=-1 dpr=nan dpr=inf dpr=x fit=Cover fit=fill fit= gravity=middle gravity=0.5
gravity=1.1x0 gravity=0x gravity=x0 gravity=0x0x0 gravity=-0.1x0 zoom=1.1 zoom=-1 quality=0
quality=101 quality=best quality=1.5 scq=0 format=bmp format=AVIF format=jpg format=jxl anim=1
anim=yes anim=TRUE background=notacolour background=%2300 background=rgb(1,2)
background=rgb(1,2,3 blur=251 blur=-1 blur=x sharpen=11 brightness=10.1 contrast=-1 saturation=11
gamma=x rotate=45 rotate=-90 rotate=450 flip=x flip=vh flip=hh trim=1;2;3 trim=1;2;3;4;5
trim=a;b;c;d trim=-1;0;0;0 trim=65536;0;0;0 trim.top=-1 trim.width=0 trim.border.tolerance=256
trim.border.color=nope trim=1;1;1;1,trim.top=1 trim.width=5,trim.right=1 metadata=all
onerror=retry compression=best upscale=x blurhash=1 frames=0 frames=65536 preset=none preset=a/b
segment=background border=1 border.color=red draw=1 draw[0].url=x unknown=1 Width=5 WIDTH=5 =5 =
width==5 width=5, ,width=5 width=5,,height=5 width=5,width=5 width=5,w=5 w=5,width=6
q=1,quality=1 f=png,format=png g=left,gravity=left zoom=0,face-zoom=0 width=5;height=5 width:5
width=5%00 width=%zz width=5%2 %20width=5 width=%205 width=5%20
width=5%0d%0aX:y width%253D5""".split()


@table(a_server_of_pictures, [(options, options) for options in GOOD])
def an_option_within_its_bounds_is_followed(server, options):
    reply = server.ask(link(options, "tiny.png"))
    assert reply.status == 200, reply
    if "json" in options:
        assert reply.get("Content-Type") == "application/json"
    else:
        assert reply.get("Content-Type") == pictures.kind_of(reply.body), reply


@table(a_server_of_pictures, [(options, options) for options in BAD])
def an_option_that_is_wrong_is_refused_by_name(server, options):
    with server.connect() as conn:
        target = link(options, "tiny.png")
        reply = conn.ask(target)
        if "%zz" in options or options.endswith(("%2", "%00")):  # then no path is well-formed
            assert reply.status == 400 and reply.code in ("option", "syntax"), reply
            return
        assert (reply.status, reply.code) == (400, "option"), reply
        assert reply.body.count(b"\n") == 1 and len(reply.body) < 300, reply
        told = conn.ask(target, fields={"Accept": "application/json"})
        error = json.loads(told.body)["error"]
        assert (error["status"], error["code"]) == (400, "option"), error
        assert error["message"].encode() == reply.body[:-1]


@table(a_server_of_pictures, [(name, options, name) for name, options in [
    ("width", "width=0"), ("height", "h=99999"), ("quality", "q=0"), ("blur", "blur=251"),
    ("fit", "fit=x"), ("trim.top", "trim.top=x"), ("unknown", "unknown=1"),
    ("slow-connection-quality", "scq=0")]])
def the_reason_names_the_option(server, options, name):
    assert name.encode() in server.ask(link(options)).body


@table(a_server_of_pictures, [(options, options) for options in (
    "segment=foreground", "upscale=generate", "gravity=face", "g=face")])
def what_needs_a_model_is_refused_by_name(server, options):
    reply = server.ask(link(options))
    assert (reply.status, reply.code) == (400, "unsupported"), reply
    assert b"model" in reply.body and options.split("=")[1].encode() in reply.body


@case(a_server_of_pictures)
def options_have_a_length(server):
    # Spaces are no part of a colour's name, so the length alone is what is asked here.
    def of(count):
        options = "width=5,background=rgb(" + "0" * 5000
        return server.ask(link(options[:count], "tiny.png"))
    assert of(2048).code == "option"
    reply = of(2049)
    assert reply.status == 413 and reply.code == "limit" and b"2048" in reply.body, reply


@table(a_server_of_pictures, [
    ("no options", "/cdn-cgi/image//photo.png", 400, "option"),
    ("nothing", "/cdn-cgi/image/", 400, "option"),
    ("no source", "/cdn-cgi/image/width=5", 400, "source"),
    ("a slash for a source", "/cdn-cgi/image/width=5/", 400, "source"),
    ("a source that is not there", link("width=5", "gone.png"), 404, "missing"),
    ("a folder", link("width=5", "."), 400, "syntax"),
    ("a source that is no picture", link("width=5", "text.png"), 415, "media-type"),
    ("a page", link("width=5", "page.html"), 415, "media-type"),
    ("an empty source", link("width=5", "empty.png"), 415, "media-type"),
    ("a source outside", link("width=5", "../../etc/passwd"), 400, "syntax"),
    ("a source of 4097 bytes", link("width=5", "a" * 4096), 400, "source"),
    ("two slashes", link("width=5", "/photo.png"), 400, "source"),
    ("an origin that is not listed", link("width=5", "https://evil.example/x.png"), 403, "denied"),
    ("an origin with a user", link("width=5", "https://u@evil.example/x.png"), 400, "source"),
    ("an origin in capitals", link("width=5", "https://EVIL.example/x.png"), 400, "source"),
    ("an origin without a host", link("width=5", "https:///x.png"), 400, "source"),
    ("another scheme", link("width=5", "ftp://evil.example/x.png"), 404, "missing"),
    ("a file URL", link("width=5", "file:///etc/passwd"), 404, "missing"),
    ("an encoded route", "/cdn-cgi/im%61ge/width=5/photo.png", 400, "source"),
])
def a_source_that_is_wrong_is_refused(server, target, status, code):
    reply = server.ask(target)
    assert (reply.status, reply.code) == (status, code), reply
    assert reply.get("Cache-Control") == "no-store", reply
    assert b"SECRET" not in reply.body


@table(a_server_of_pictures, [(method, method) for method in ("POST", "PUT", "DELETE", "OPTIONS")])
def pictures_are_only_asked_for(server, method):
    reply = server.ask(link("width=5"), method)
    assert reply.status == 405 and "GET" in reply.get("Allow", ""), reply


# --- what the options do ---

@table(a_server_of_pictures, [
    ("width", "width=100", (100, 75)), ("height", "height=100", (133, 100)),
    ("both, scaled down", "width=100,height=100", (100, 75)),
    ("never enlarged", "width=1000", (320, 240)),
    ("contain enlarges", "width=640,fit=contain", (640, 480)),
    ("cover", "width=100,height=100,fit=cover", (100, 100)),
    ("cover enlarges", "width=400,height=400,fit=cover", (400, 400)),
    ("crop does not enlarge", "width=400,height=400,fit=crop", (320, 240)),
    ("pad", "width=100,height=100,fit=pad", (100, 100)),
    ("squeeze", "width=50,height=100,fit=squeeze", (50, 100)),
    ("scale-up", "width=640,fit=scale-up", (640, 480)),
    ("dpr", "width=50,dpr=2", (100, 75)), ("rotate", "rotate=90", (240, 320)),
    ("trim", "trim=10;20;30;40", (260, 200)),
    ("trim box", "trim.left=10,trim.top=10,trim.width=50,trim.height=40", (50, 40)),
])
def a_picture_has_the_size_that_was_asked(server, options, size):
    reply = server.ask(link(options + ",format=png"))
    assert pictures.size_of(reply.body) == size, pictures.size_of(reply.body)


@table(a_server_of_pictures, [
    ("as it is", "width=64", ("red", "green", "blue", "yellow")),
    ("rotate 90", "rotate=90", ("blue", "red", "yellow", "green")),
    ("rotate 180", "rotate=180", ("yellow", "blue", "green", "red")),
    ("rotate 270", "rotate=270", ("green", "yellow", "red", "blue")),
    ("flip h", "flip=h", ("green", "red", "yellow", "blue")),
    ("flip v", "flip=v", ("blue", "yellow", "red", "green")),
    ("flip before rotate", "flip=h,rotate=90", ("yellow", "green", "blue", "red")),
    ("left", "width=16,height=32,fit=cover,gravity=left", ("red", "red", "blue", "blue")),
    ("right", "width=16,height=32,fit=cover,gravity=right", ("green", "green", "yellow", "yellow")),
    ("top", "width=64,height=16,fit=cover,gravity=top", ("red", "green", "red", "green")),
    ("bottom", "width=64,height=16,fit=cover,g=bottom", ("blue", "yellow", "blue", "yellow")),
    ("a point", "width=16,height=32,fit=cover,gravity=1x0", ("green", "green", "yellow", "yellow")),
    ("trim", "trim=16;32;0;0", ("blue", "blue", "blue", "blue")),
])
def the_pixels_are_where_they_belong(server, options, colours):
    reply = server.ask(link(options + ",format=png", "quadrants.png"))
    width, height, rows = pictures.pixels_of(reply.body)
    spots = [(width // 8, height // 8), (width * 7 // 8, height // 8),
             (width // 8, height * 7 // 8), (width * 7 // 8, height * 7 // 8)]
    for (x, y), colour in zip(spots, colours):
        wanted = pictures.QUADRANTS[colour]
        assert all(abs(a - b) <= 8 for a, b in zip(rows[y][x][:3], wanted)), (x, y, rows[y][x])


@table(a_server_of_pictures, [(name, name, kind) for name, kind in [
    ("avif", "image/avif"), ("webp", "image/webp"), ("jpeg", "image/jpeg"),
    ("baseline-jpeg", "image/jpeg"), ("png", "image/png"), ("gif", "image/gif")]])
def a_picture_has_the_format_that_was_asked(server, name, kind):
    reply = server.ask(link(f"width=50,format={name}"))
    assert reply.status == 200 and reply.get("Content-Type") == kind, reply
    assert pictures.kind_of(reply.body) == kind
    assert reply.get("X-Content-Type-Options") == "nosniff"


@case(a_server_of_pictures)
def jpeg_is_progressive_unless_baseline(server):
    assert b"\xff\xc2" in server.ask(link("width=200,format=jpeg")).body
    baseline = server.ask(link("width=200,format=baseline-jpeg")).body
    assert b"\xff\xc0" in baseline and b"\xff\xc2" not in baseline


@case(a_server_of_pictures)
def json_tells_of_both_pictures(server):
    told = json.loads(server.ask(link("width=100,format=json")).body)
    assert (told["width"], told["height"]) == (100, 75), told
    original = told["original"]
    assert (original["width"], original["height"], original["format"]) == (320, 240, "image/png")
    assert original["file_size"] == len((server.root / "photo.png").read_bytes())
    assert len(told["blurhash"]) >= 6 and len(told["thumbhash"]) >= 8, told


@case(a_server_of_pictures)
def hashes_come_as_fields_when_asked(server):
    reply = server.ask(link("width=50,blurhash=true,thumbhash=true"))
    assert reply.get("Selvedge-BlurHash") and reply.get("Selvedge-ThumbHash"), reply
    assert not server.ask(link("width=50")).get("Selvedge-BlurHash")


@case(a_server_of_pictures)
def an_animation_stays_one_where_it_may(server):
    def frames(options):
        reply = server.ask(link(options + ",format=json", "animation.gif"))
        return json.loads(reply.body)["frames"]
    assert frames("width=30") == 5
    assert frames("width=30,anim=false") == 1
    assert frames("width=30,frames=3") == 3
    still = server.ask(link("width=30,format=jpeg", "animation.gif"))
    assert pictures.kind_of(still.body) == "image/jpeg"
    moving = server.ask(link("width=30,format=webp", "animation.gif"))
    assert b"ANIM" in moving.body


@case(a_server_of_pictures)
def an_animated_avif_becomes_an_animated_webp(server):
    def told(options):
        return json.loads(server.ask(link(options + ",format=json", "animation.avif")).body)
    whole = told("width=30")
    assert (whole["width"], whole["height"], whole["frames"]) == (30, 20, 5), whole
    assert whole["original"] == {"file_size": len((server.root / "animation.avif").read_bytes()),
                                 "width": 60, "height": 40, "frames": 5,
                                 "format": "image/avif"}, whole
    assert told("width=30,anim=false")["frames"] == 1
    assert told("width=30,frames=3")["frames"] == 3
    moving = server.ask(link("width=30,format=webp", "animation.avif"))
    assert pictures.kind_of(moving.body) == "image/webp", moving
    assert moving.body.count(b"ANMF") == 5
    # Five frames of 100 ms, for ever.
    frame = moving.body.index(b"ANMF")
    assert int.from_bytes(moving.body[frame + 20:frame + 23], "little") == 100
    loop = moving.body.index(b"ANIM") + 12
    assert moving.body[loop:loop + 2] == b"\0\0"
    # To who shows AVIF alone, its first frame.
    still = server.ask(link("width=30,format=auto", "animation.avif"),
                       fields={"Accept": "image/avif"})
    assert still.status == 200 and b"ANIM" not in still.body


@table(a_server_of_pictures, [
    ("missing", "gone.png", "missing"), ("no picture", "text.png", "media-type")])
def onerror_redirect_leads_to_the_source(server, source, code):
    reply = server.ask(link("width=50,onerror=redirect", source))
    assert reply.status == 302 and reply.get("Location") == "/" + source, reply
    assert reply.code == code and reply.get("Cache-Control") == "no-store"


@table(a_server_of_pictures, [(source, source) for source in (
    "/evil.example/x.png", "//evil.example/x.png", "/evil.example", "/evil.example/%2e")])
def onerror_redirect_never_leads_to_another_host(server, source):
    reply = server.ask(link("width=50,onerror=redirect", source))
    place = reply.get("Location", "/")
    assert reply.status in (302, 400, 404) and place[:2] not in ("//", "/\\"), reply
    assert not place.startswith("http"), reply


@case(a_server_of_pictures)
def pictures_of_pictures_end_after_four(server):
    for depth in range(1, 8):
        # Widths of its own, for what a shallower request has left in the cache ends the chain.
        nested = "photo.png"
        for level in range(depth):
            nested = f"cdn-cgi/image/width={100 * depth + level}/{nested}"
        reply = server.ask("/" + nested)
        if depth <= 4:
            assert reply.status == 200, (depth, reply)
        if depth >= 6:
            assert (reply.status, reply.code) == (508, "cycle"), (depth, reply)
