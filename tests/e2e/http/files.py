"""The files service: what it serves, and what it does not."""
import datetime
import email.utils
import os
import time

from run import case, fixture, table
from selvedge import wait_for
from site_of_files import BIG, FILES, OUTSIDE, serve


@fixture
def a_server_of_files():
    with serve() as server:
        yield server


@table(a_server_of_files, [
    ("text", "/hello.txt", "text/plain; charset=utf-8"),
    ("HTML", "/page.html", "text/html; charset=utf-8"), ("capitals", "/UPPER.PNG", "image/png"),
    ("no extension", "/no-extension", "application/octet-stream"),
    ("large", "/big.bin", "application/octet-stream"),
])
def a_file_has_its_type_and_may_not_be_sniffed(server, target, kind):
    reply = server.ask(target)
    assert reply.status == 200 and reply.body == FILES[target[1:]]
    assert reply.get("Content-Type") == kind, reply.fields
    assert reply.get("X-Content-Type-Options") == "nosniff"


@case(a_server_of_files)
def a_file_has_its_date_and_a_tag_that_changes_with_it(server):
    path = server.root / "changing.txt"
    path.write_bytes(b"one")
    os.utime(path, (1000000000, 1000000000))
    first = server.ask("/changing.txt")
    assert first.get("Last-Modified") == "Sun, 09 Sep 2001 01:46:40 GMT"
    path.write_bytes(b"two")
    os.utime(path, ns=(10**18, 10**18 + 1))  # the same second
    second = server.ask("/changing.txt", fields={"If-None-Match": first.get("ETag")})
    assert second.status == 200 and second.body == b"two"
    assert second.get("ETag") != first.get("ETag")


@case(a_server_of_files)
def a_file_dated_in_the_future_is_served(server):
    path = server.root / "future.txt"
    path.write_bytes(b"later")
    later = time.time() + 86400
    os.utime(path, (later, later))
    reply = server.ask("/future.txt")
    assert reply.status == 200
    told = reply.get("Last-Modified")  # RFC 9110 section 8.8.2.1: not later than Date
    if told:
        assert email.utils.parsedate_to_datetime(told) <= datetime.datetime.now(
            datetime.timezone.utc) + datetime.timedelta(seconds=2), told


@table(a_server_of_files, [
    ("space", "/a%20b.txt", b"space"), ("percent", "/100%25.txt", b"percent"),
    ("UTF-8", "/%C3%BC.txt", b"umlaut"), ("lower case", "/%c3%bc.txt", b"umlaut"),
    ("needless", "/%68ello%2etxt", FILES["hello.txt"]),
    ("a query", "/hello.txt?x=../..", FILES["hello.txt"]),
    ("slashes in front", "//hello.txt", FILES["hello.txt"]),
    ("slashes within", "/folder///index.html", FILES["folder/index.html"]),
])
def a_name_is_decoded_once(server, target, body):
    reply = server.ask(target)
    assert reply.status == 200 and reply.body == body, reply


TRAVERSALS = [
    "/../outside/secret.txt", "/..", "/../", "/bare/../../outside/secret.txt",
    "/./../outside/secret.txt", "/%2e%2e/outside/secret.txt", "/%2e%2e%2foutside%2fsecret.txt",
    "/..%2foutside/secret.txt", "/..%5coutside%5csecret.txt", "/..\\outside\\secret.txt",
    "/%2E%2E/outside/secret.txt", "/.%2e/outside/secret.txt", "/%2e./outside/secret.txt",
    "/%252e%252e/outside/secret.txt", "/..%252foutside/secret.txt", "/..%c0%afoutside/secret.txt",
    "/%c0%ae%c0%ae/outside/secret.txt", "/%e0%80%ae%e0%80%ae/outside/secret.txt",
    "/..%u2215outside/secret.txt", "/..%00/outside/secret.txt", "/hello.txt%00.png",
    "/....//outside/secret.txt", "/..;/outside/secret.txt", "/bare/..", "/bare/.",
    "/bare/./file.txt", "/%2fetc/passwd", "//etc/passwd", "/\\etc\\passwd", 
    "/hello.txt/../hello.txt",
    "http://localhost/../outside/secret.txt", "/bare/%2e%2e/%2e%2e/outside/secret.txt",
    "/link-out.txt", "/link-up.txt", "/link-folder/secret.txt", "/link-folder/", "/link-folder",
    "/loop", "/loop/x", "/pipe", "/proc/self/environ", "/hello.txt%", "/hello.txt%2", "/%zz",
    "/" + "../" * 40 + "etc/passwd", "/" + "%2e%2e/" * 40 + "etc/passwd",
]


@table(a_server_of_files, [(target[:60], target) for target in TRAVERSALS])
def nothing_outside_the_root_is_served(server, target):
    reply = server.ask(target)
    assert reply.status in (400, 403, 404), reply
    assert OUTSIDE not in reply.body and b"root:" not in reply.body


@case(a_server_of_files)
def a_link_within_the_root_is_followed(server):
    assert server.ask("/link-in.txt").body == FILES["hello.txt"]


@table(a_server_of_files, [(target, target) for target in (
    "/.hidden", "/%2ehidden", "/.well/known.txt", "/folder/.git/config", "/folder/%2egit/config",
    "//.hidden")])
def hidden_files_are_not_served(server, target):
    assert server.ask(target).status == 404


@case(a_server_of_files)
def a_folder_shows_its_index_and_gets_a_slash(server):
    assert server.ask("/folder/").body == FILES["folder/index.html"]
    assert server.ask("/folder/").get("Content-Type") == "text/html; charset=utf-8"
    reply = server.ask("/folder?a=b")
    assert reply.status == 301 and reply.get("Location") == "/folder/?a=b", reply


@case(a_server_of_files)
def the_redirect_of_a_folder_never_leads_to_another_host(server):
    (server.root / "evil.example").mkdir(exist_ok=True)
    for target in ("//evil.example", "///evil.example", "/%2Fevil.example", "//evil.example/%2e."):
        place = server.ask(target).get("Location", "")
        assert not place.startswith(("//", "/\\", "http")), (target, place)


@case(a_server_of_files)
def a_folder_without_index_is_not_listed(server):
    reply = server.ask("/bare/")
    assert reply.status == 404 and b"file.txt" not in reply.body, reply
    assert server.ask("/hello.txt/").status == 404


@case(a_server_of_files)
def a_file_that_may_not_be_read_is_denied(server):
    path = server.root / "locked.txt"
    path.write_bytes(b"locked")
    path.chmod(0)
    reply = server.ask("/locked.txt")
    assert reply.status == (200 if os.geteuid() == 0 else 403), reply


@case(a_server_of_files)
def a_file_that_shrinks_while_it_is_sent_is_not_filled_up(server):
    path = server.root / "shrinking.bin"
    path.write_bytes(BIG * 4)
    with server.connect() as conn:
        conn.send(b"GET /shrinking.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        status, fields = conn.head()
        assert status == 200 and ("content-length", str(len(BIG) * 4)) in fields
        os.truncate(path, 1 << 20)
        assert len(conn.rest()) < len(BIG) * 4
    wait_for("the warning", lambda: server.events("h1.body"))


@case(a_server_of_files)
def a_hundred_files_at_once_come_whole(server):
    conns = [server.connect() for _ in range(100)]
    for number, conn in enumerate(conns):
        conn.send(f"GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes={number}-\r\n\r\n".encode())
    for number, conn in enumerate(conns):
        assert conn.reply().body == BIG[number:]
        conn.close()


@fixture
def a_server_with_a_route_over_a_folder():
    with serve() as server:
        routes = server.settings["sites"][0]["routes"]
        other = server.folder / "other"
        other.mkdir()
        (other / "file.txt").write_bytes(b"of the longer route")
        routes.append({"path": "/bare/", "files": {"root": str(other)}})
        server.stop()
        server.start()
        yield server


@table(a_server_with_a_route_over_a_folder, [(target, target) for target in (
    "/bare/file.txt", "//bare/file.txt", "/bare//file.txt", "///bare///file.txt",
    "/%62are//file.txt", "http://localhost//bare/file.txt")])
def slashes_in_a_row_lead_to_no_other_route(server, target):
    reply = server.ask(target)
    assert reply.status == 200 and reply.body == b"of the longer route", reply


@fixture
def a_server_that_lists():
    with serve(files={"listing": True, "index": "", "max_age_s": 60}) as server:
        (server.root / "bare" / "<b>&\"'.txt").write_bytes(b"x")
        yield server


@case(a_server_that_lists)
def a_listing_names_files_and_hides_what_is_hidden(server):
    reply = server.ask("/")
    assert reply.status == 200 and reply.get("Content-Type").startswith("text/html")
    page = reply.body.decode()
    assert 'href="./hello.txt"' in page and 'href="./bare/"' in page
    assert ".hidden" not in page and ".well" not in page
    assert "default-src 'none'" in reply.get("Content-Security-Policy")


@case(a_server_that_lists)
def a_listing_escapes_names(server):
    page = server.ask("/bare/").body.decode()
    assert "<b>" not in page and "&lt;b>&amp;" in page
    assert 'href="./%3Cb%3E%26%22%27.txt"' in page, page


@case(a_server_that_lists)
def files_may_be_kept_for_max_age_s(server):
    assert server.ask("/hello.txt").get("Cache-Control") == "public, max-age=60"
