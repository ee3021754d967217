"""`selvedge put` and `selvedge import`: files, folders and buckets into the image store."""
import contextlib
import http.server
import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import threading
import urllib.parse

import pictures
import s3
from run import case, fixture, table
from selvedge import PROGRAM, WAIT_S, command
from shelf import OTHER, PHOTO, serve

BUCKET = "/photos"


@fixture
def a_shelf_and_a_folder():
    bucket = [{"path": "/bucket/", "bucket": {"name": BUCKET[1:]}}]
    with (serve(bucket, s3={}) as server,
          tempfile.TemporaryDirectory(prefix="selvedge-put-") as folder):
        server.home = pathlib.Path(folder)
        server.bucket = s3.Client(server.addresses[-2], s3.key_of(server.client.token))
        assert server.bucket.put(BUCKET, b"").status == 200
        yield server


def surroundings(server, **more):
    host, port = server.admin
    own = {"SELVEDGE_API": f"http://{host}:{port}", "SELVEDGE_TOKEN": server.client.token}
    keys = s3.key_of(server.client.token)
    bucket = {"AWS_ENDPOINT_URL": "http://%s:%d" % server.addresses[-2],
              "AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret}
    return {**os.environ, **own, **bucket, **more}


def run(server, *words, env=None, **more):
    return command(*map(str, words), env={**surroundings(server), **(env or {})}, cwd=server.home,
                   **more)


def write(server, name, data=PHOTO):
    path = server.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@case(a_shelf_and_a_folder)
def files_are_put_and_left_out_the_second_time(server):
    write(server, "put/one.png")
    write(server, "put/two words.png", OTHER)
    first = run(server, "put", "--prefix", "holiday/", "put/one.png", "put/two words.png")
    assert first.returncode == 0, first
    lines = sorted(line.split("\t") for line in first.stdout.splitlines())
    assert [line[:2] for line in lines] == [["put/one.png", "holiday/one.png"],
                                            ["put/two words.png", "holiday/two words.png"]], lines
    assert first.stderr.startswith("put: 2 uploaded (") and "0 were there, 0 failed" in first.stderr
    link = lines[1][2]
    assert link.endswith(f"/{server.shelf.hash}/holiday/two%20words.png/public"), link
    reply = server.shelf.ask("holiday/two%20words.png")
    assert pictures.size_of(reply.body) == (64, 32)
    told = server.shelf.images.get("holiday/two words.png").result
    assert told["filename"] == "two words.png" and told["requireSignedURLs"] is False, told

    write(server, "put/three.png")
    again = run(server, "put", "--prefix=holiday/", *sorted((server.home / "put").iterdir()))
    assert again.returncode == 0 and again.stdout.count("\n") == 1, again
    assert "1 uploaded" in again.stderr and "2 were there, 0 failed" in again.stderr, again


@case(a_shelf_and_a_folder)
def private_pictures_are_private(server):
    write(server, "secret.png")
    assert run(server, "put", "--private", "secret.png").returncode == 0
    assert server.shelf.ask("secret.png").status == 403


@case(a_shelf_and_a_folder)
def what_goes_wrong_is_told_by_file(server):
    write(server, "good.png")
    write(server, "text.png", b"no picture")
    write(server, "empty.png", b"")
    write(server, "other/good.png")
    os.mkfifo(server.home / "pipe")
    told = run(server, "put", "good.png", "text.png", "empty.png", "gone.png", "other", "pipe",
               "other/good.png")
    assert told.returncode == 1 and told.stdout.count("\n") == 1, told
    for line in ("text.png: it is no picture", "empty.png: it is no picture",
                 "gone.png: No such file", "other: it is no file", "pipe: it is no file",
                 "other/good.png: its id is that of another one"):
        assert f"selvedge: {line}" in told.stderr, told.stderr
    assert "1 uploaded" in told.stderr and "6 failed" in told.stderr, told.stderr


@case(a_shelf_and_a_folder)
def what_the_server_refuses_is_told_in_its_words(server):
    name = "2cdc28f0-017a-49c4-9ed7-87056c83901f"  # none may choose that form
    write(server, name)
    told = run(server, "put", name)
    assert told.returncode == 1 and f"selvedge: {name}: ERROR 5" in told.stderr, told
    assert "(status 4" in told.stderr, told


@case(a_shelf_and_a_folder)
def what_can_have_no_such_id_is_not_sent(server):
    write(server, "ids/back\\slash.png")
    write(server, "ids/good.png")
    for *words, name in (("put", "--prefix=up/../", "ids/good.png"),
                         ("put", "ids/back\\slash.png"), ("import", "--prefix=/", "ids")):
        told = run(server, *words, name)
        assert told.returncode == 1 and "0 uploaded" in told.stderr, told
        name = "ids/good.png" if name == "ids" else name
        assert f"selvedge: {name}: id has no '" in told.stderr, told.stderr
    for key in ("odd//a.png", "odd/b\\.png", "odd/c.png"):
        assert server.bucket.put(f"{BUCKET}/{key}", PHOTO).status == 200
    told = run(server, "import", "s3://photos/odd/")
    assert told.returncode == 1, told
    assert "1 uploaded" in told.stderr and "2 failed" in told.stderr, told


@table(a_shelf_and_a_folder, [
    ("no file", ["put"], {}, 2, "say which files"),
    ("an option that is none", ["put", "--what", "x"], {}, 2, "not known"),
    ("no token", ["put", "x"], {"SELVEDGE_TOKEN": ""}, 2, "SELVEDGE_TOKEN"),
    ("no jobs", ["put", "--jobs", "0", "x"], {}, 2, "1 to 32"),
    ("too many jobs", ["put", "--jobs", "33", "x"], {}, 2, "1 to 32"),
    ("no URL", ["put", "--api", "localhost", "x"], {}, 2, "http://HOST"),
    ("a bucket's option", ["put", "--region", "x", "y"], {}, 2, "for import"),
    ("two folders", ["import", "x", "y"], {}, 2, "one folder"),
    ("a bucket's option for a folder", ["import", "--region", "x", "y"], {}, 2, "for s3://"),
    ("a bucket without a name", ["import", "s3://"], {}, 2, "a name"),
    ("a bucket without an endpoint", ["import", "s3://x"], {"AWS_ENDPOINT_URL": ""}, 2,
     "--endpoint"),
    ("a bucket without keys", ["import", "s3://x"], {"AWS_ACCESS_KEY_ID": ""}, 2, "AWS_ACCESS"),
    ("a folder that is not there", ["import", "gone"], {}, 1, "No such file"),
    ("a bucket that is not there", ["import", "s3://nothing-there"], {}, 1, "NoSuchBucket"),
    ("a wrong secret", ["import", "s3://photos"], {"AWS_SECRET_ACCESS_KEY": "x"}, 1,
     "SignatureDoesNotMatch"),
    ("a wrong token", ["put", "x"], {"SELVEDGE_TOKEN": "slv_wrong"}, 1, "status 40"),
    ("nobody there", ["put", "--api", "http://127.0.0.77:9", "x"], {}, 1, "127.0.0.77"),
])
def words_and_surroundings_are_checked(server, words, env, status, part):
    told = run(server, *words, env=env)
    assert (told.returncode, told.stdout) == (status, ""), told
    assert part in told.stderr and told.stderr.startswith("selvedge"), told.stderr


@case(a_shelf_and_a_folder)
def a_folder_is_imported_by_the_paths_below_it(server):
    names = [f"a/{number}.png" for number in range(20)] + ["b/c/d/deep.png", "with space.png"]
    for name in names:
        write(server, f"tree/{name}", pictures.photo(20, 15, seed=len(name)))
    write(server, "tree/readme.txt", b"no picture")
    write(server, "tree/.hidden.png")
    write(server, "tree/.git/x.png")
    (server.home / "tree/link.png").symlink_to("with space.png")
    (server.home / "tree/round").symlink_to(".")
    (server.home / "tree/nowhere.png").symlink_to("gone")
    told = run(server, "import", "--prefix=tree/", "--jobs=8", "tree/")
    assert told.returncode == 0 and told.stdout == "", told
    assert "23 uploaded" in told.stderr and "1 are no pictures" in told.stderr, told.stderr
    wanted = {f"tree/{name}" for name in names + ["link.png"]}
    assert {name for name in server.shelf.images.ids("?per_page=1000")
            if name.startswith("tree/")} == wanted
    again = run(server, "import", "--prefix=tree/", "tree")
    assert again.returncode == 0, again
    assert "0 uploaded" in again.stderr and "23 were there" in again.stderr, again.stderr


@table(a_shelf_and_a_folder, [("64", 64, 0), ("65", 65, 1)])
def folders_in_folders_have_a_bound(server, depth, status):
    write(server, f"deep{depth}/" + "f/" * depth + "deep.png")
    told = run(server, "import", f"--prefix={depth}/", f"deep{depth}")
    assert told.returncode == status, told
    assert status == 0 or "more than 64 folders" in told.stderr, told.stderr


@case(a_shelf_and_a_folder)
def a_bucket_is_imported_below_a_prefix(server):
    names = ["trip/2025/a b.png", "trip/2025/ü&<x>+%.png", "trip/2026/c.png"]
    for name in names:
        assert server.bucket.put(f"{BUCKET}/{name}", PHOTO).status == 200
    assert server.bucket.put(BUCKET + "/trip/2025/notes.txt", b"text").status == 200
    assert server.bucket.put(BUCKET + "/other.png", PHOTO).status == 200
    told = run(server, "import", "--prefix=s3/", "s3://photos/trip/2025/")
    assert told.returncode == 0, told
    assert "2 uploaded" in told.stderr and "1 are no pictures" in told.stderr, told.stderr
    ids = [name for name in server.shelf.images.ids("?per_page=1000") if name.startswith("s3/")]
    assert sorted(ids) == ["s3/a b.png", "s3/ü&<x>+%.png"], ids
    again = run(server, "import", "--prefix=s3/", "s3://photos/trip/2025/")
    assert again.returncode == 0 and "0 uploaded" in again.stderr, again.stderr


@case(a_shelf_and_a_folder)
def a_bucket_of_many_pages_is_imported_whole(server):
    tiny = pictures.photo(2, 2)
    conn = server.bucket.connect()
    for number in range(1005):  # a page has 1000
        assert server.bucket.put(f"{BUCKET}/many/{number}.png", tiny, conn=conn).status == 200
    conn.close()
    told = run(server, "import", "--prefix=many/", "--jobs=32", "s3://photos/many/")
    assert told.returncode == 0 and "1005 uploaded" in told.stderr, told


@case(a_shelf_and_a_folder)
def an_object_of_a_bucket_is_a_source_of_pictures(server):
    assert server.bucket.put(BUCKET + "/source.png", PHOTO).status == 200
    reply = server.ask("/cdn-cgi/image/width=100,format=png/bucket/source.png")
    assert reply.status == 200 and pictures.size_of(reply.body) == (100, 75), reply
    assert server.ask("/cdn-cgi/image/width=100/bucket/gone.png").status == 404
    # The path is all that counts, so it is purged however it is spelled.
    assert server.ask("/cdn-cgi/image/width=100,format=png/bucket/s%6furce.png?v=2").get(
        "Cache-Status").startswith("Selvedge; hit")


@case(a_shelf_and_a_folder)
def who_watches_sees_how_far_it_is(server):
    for number in range(4):
        write(server, f"seen/{number}.png")
    ours, theirs = pty.openpty()
    with subprocess.Popen([PROGRAM, "import", "--prefix=seen/", "--jobs=1", "seen"],
                          env=surroundings(server), cwd=server.home, stderr=theirs) as process:
        os.close(theirs)
        text = []

        def read():
            try:
                while part := os.read(ours, 4096):
                    text.append(part)
            except OSError:
                pass  # the other end is closed
        reader = threading.Thread(target=read)
        reader.start()
        assert process.wait(WAIT_S) == 0
        reader.join()
    os.close(ours)
    shown = b"".join(text)
    assert re.search(rb"import: \d of 4, [0-9.]+ \w+, ", shown), shown
    assert shown.count(b"\r\x1b[K") >= 2, shown


# --- a server that is not well ---

class Sick(http.server.BaseHTTPRequestHandler):
    """An API whose account has some pictures, in pages, and which takes others as it is told."""
    protocol_version = "HTTP/1.1"
    PAGES = {"": (["first.png"], "two"), "two": (["second.png"], None)}

    def log_message(self, *_):
        pass

    def say(self, status, result=None, message=None):
        body = json.dumps({"success": status == 200, "result": result, "messages": [],
                           "errors": [{"code": 1, "message": message}] if message else []}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        token = urllib.parse.parse_qs(url.query).get("continuation_token", [""])[0]
        if url.path.endswith("/accounts"):
            self.say(200, [{"id": "of-nobody"}])
        else:
            names, token = self.PAGES[token]
            self.say(200, {"images": [{"id": name} for name in names],
                           "continuation_token": token})

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        name = re.search(rb'name="id"\r\n\r\n([^\r]*)\r\n', data)[1].decode()
        self.server.bodies.setdefault(name, []).append(data)
        answers = self.server.answers.get(name, [])
        answer = answers.pop(0) if answers else 200
        if answer == "hang up":
            self.close_connection = True
        else:
            self.say(answer, {"variants": []} if answer == 200 else None,
                     None if answer == 200 else "not \x1b[31mnow")


@contextlib.contextmanager
def sick(**answers):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sick) as server:
        server.answers, server.bodies = answers, {}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server, "http://127.0.0.1:%d" % server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@case(a_shelf_and_a_folder)
def what_is_busy_or_hangs_up_is_asked_again(server):
    for name in ("busy.png", "gone.png", "first.png", "second.png"):
        write(server, f"sick/{name}")
    with sick(**{"busy.png": [503, 429, 500], "gone.png": ["hang up", "hang up"]}) as (api, url):
        told = run(server, "import", "--api", url, "sick")
        assert told.returncode == 0, told
        assert "2 uploaded" in told.stderr and "2 were there, 0 failed" in told.stderr, told.stderr
        assert {name: len(bodies) for name, bodies in api.bodies.items()} == {
            "busy.png": 4, "gone.png": 3}
        for body in sum(api.bodies.values(), []):
            assert PHOTO in body and body.count(b'name="id"') == 1


@case(a_shelf_and_a_folder)
def what_is_refused_is_not_asked_again(server):
    name = "re\x1b[31mfused.png"
    write(server, f"refused/{name}")
    with sick(**{name: [400]}) as (api, url):
        told = run(server, "put", "--api", url, f"refused/{name}")
        assert told.returncode == 1 and len(api.bodies[name]) == 1, told
        assert "\x1b" not in told.stderr and "not \\x1b[31mnow (status 400)" in told.stderr, told


@table(a_shelf_and_a_folder, [
    ("ESC", "a\x1b[31m", r"a\x1b[31m"), ("DEL", "a\x7f", r"a\x7f"),
    ("CSI as one character", "a\u009b31m", r"a\xc2\x9b31m"),
    ("the last of C1", "\u009f", r"\xc2\x9f"),
    ("CSI as one byte", os.fsdecode(b"a\x9b31m"), r"a\x9b31m"),
    ("half a character", os.fsdecode(b"a\xc3"), r"a\xc3"),
    ("the first behind C1", "\u00a0", "\u00a0"),
    *((text, text, text) for text in ("\u00fc", "\u65e5", "\U0001f5dd"))])
def a_name_that_is_told_is_text(server, name, shown):
    told = run(server, "put", name)
    assert told.returncode == 1 and f"selvedge: {shown}: No such file" in told.stderr, told


@case(a_shelf_and_a_folder)
def what_another_has_just_stored_was_there(server):
    write(server, "taken/taken.png")
    with sick(**{"taken.png": [409]}) as (_, url):
        told = run(server, "put", "--api", url, "taken/taken.png")
    assert told.returncode == 0 and "1 were there, 0 failed" in told.stderr, told
