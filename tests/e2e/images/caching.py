"""What is made once: variants, negotiation, validators, coalescing, staleness, purge."""
import json
import random
import threading

import pictures
from run import case, fixture, table
from selvedge import command, request, wait_for
from studio import jobs, link, samples, serve, was_hit

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
MANY = {"listen": [{"limits": {"requests_max": 1000000}}]}


@fixture
def a_server_that_remembers():
    with serve(settings=MANY) as server:
        yield server


# --- one variant, one entry ---

@case(a_server_that_remembers)
def permuted_options_are_one_entry(server):
    options = ["width=91", "height=80", "fit=cover", "quality=70", "format=webp", "blur=1"]
    before = jobs(server)
    first = server.ask(link(",".join(options)))
    assert first.status == 200 and not was_hit(first)
    shuffle = random.Random(5)
    for _ in range(20):
        shuffle.shuffle(options)
        text = ",".join(options)
        for form in (text, text.replace("width", "w").replace("quality", "q"),
                     text.replace("=", "%3D", 1), text.replace("blur=1", "blur=1.0")):
            reply = server.ask(link(form))
            assert was_hit(reply) and reply.get("ETag") == first.get("ETag"), (form, reply)
    assert jobs(server) == before + 1


@case(a_server_that_remembers)
def options_that_change_nothing_are_the_same_entry(server):
    first = server.ask(link("width=92"))
    for more in ("dpr=1", "rotate=0", "rotate=360", "brightness=1", "blur=0", "anim=true",
                 "upscale=interpolate", "onerror=redirect", "zoom=0.5"):
        assert was_hit(server.ask(link(f"width=92,{more}"))), more
    assert first.status == 200


@case(a_server_that_remembers)
def another_source_or_option_is_another_entry(server):
    server.ask(link("width=93"))
    for other in (link("width=94"), link("width=93", "large.png")):
        assert not was_hit(server.ask(other)), other
        assert was_hit(server.ask(other)), other


SPELLINGS = ["folder/one.png", "%66older/one.png", "folder/%6Fne%2epng", "folder//one.png",
             "folder/one.png?", "folder/one.png?v=2", "folder///%6fne.png?v=3&x=/../"]


def in_a_folder(server):
    (server.root / "folder").mkdir(exist_ok=True)
    (server.root / "folder" / "one.png").write_bytes(samples()["photo.png"])


@case(a_server_that_remembers)
def all_spellings_of_a_file_are_one_entry(server):
    in_a_folder(server)
    made, entries = jobs(server), "selvedge_cache_memory_entries"
    before = server.metrics()[entries]
    first = server.ask(link("width=33", SPELLINGS[-1]))
    assert first.status == 200 and not was_hit(first), first
    for source in SPELLINGS:
        reply = server.ask(link("width=33", source))
        assert was_hit(reply) and reply.body == first.body, (source, reply)
    assert jobs(server) == made + 1
    assert server.metrics()[entries] == before + 2  # the picture and its source


@case(a_server_that_remembers)
def of_a_route_that_is_no_files_spelling_and_query_matter(server):
    inner = link("width=34")
    for outer in (link("width=21", inner[1:]), link("width=21", inner[1:] + "?v=2"),
                  link("width=21", inner[1:].replace("width", "w%69dth"))):
        reply = server.ask(outer)
        assert reply.status == 200 and not was_hit(reply), (outer, reply)
        assert was_hit(server.ask(outer)), outer


# --- negotiation ---

@table(a_server_that_remembers, [
    ("Chrome", CHROME, "image/avif"), ("Firefox", "image/avif,image/webp,*/*", "image/avif"),
    ("WebP alone", "image/webp,*/*;q=0.5", "image/webp"), ("anything", "*/*", "image/jpeg png"),
    ("any picture", "image/*", "image/jpeg png"), ("none", None, "image/jpeg png"),
    ("AVIF refused", "image/avif;q=0,image/webp", "image/webp"),
    ("WebP refused", "image/avif,image/webp;q=0", "image/avif"),
    ("both refused", "image/avif;q=0, image/webp;q=0.0, */*", "image/jpeg png"),
    ("JPEG preferred", "image/jpeg,image/avif;q=0.5,image/webp;q=0.5", "image/jpeg png"),
    ("in capitals", "IMAGE/AVIF", "image/avif"), ("nonsense", ";;,=q", "image/jpeg png"),
])
def the_format_is_one_the_client_shows(server, accept, kinds):
    reply = server.ask(link("width=95,format=auto"), fields={"Accept": accept} if accept else {})
    assert reply.status == 200
    names = [kind if "/" in kind else f"image/{kind}" for kind in kinds.split()]
    assert reply.get("Content-Type") in names, reply
    assert pictures.kind_of(reply.body) == reply.get("Content-Type")
    assert "Accept" in reply.get("Vary"), reply


@table(a_server_that_remembers, [(options, options) for options in (
    "width=40", "width=40,format=png", "width=40,format=json", "width=40,format=auto")])
def vary_is_always_sent(server, options):
    for fields in ({}, {"Accept": CHROME}):
        assert "Accept" in server.ask(link(options), fields=fields).get("Vary", "")


def any_accept(chance):
    types = ["image/avif", "image/webp", "image/jpeg", "image/png", "image/gif", "image/*", "*/*",
             "text/html", "image/jxl", "IMAGE/WEBP", "image/avif;v=b3", "application/json",
             "x", "image/", "/", "image/svg+xml"]
    parts = []
    for _ in range(chance.randrange(0, 9)):
        part = chance.choice(types)
        if chance.random() < 0.5:
            part += chance.choice([";q=", "; q=", ";Q="]) + chance.choice(
                ["0", "1", "0.5", "0.001", "1.000", "2", "-1", "x", f"{chance.random():.3f}"])
        parts.append(part)
    return chance.choice([",", ", ", " ,", ",,"]).join(parts)


@case(a_server_that_remembers)
def ten_thousand_accepts_are_at_most_four_variants(server):
    chance = random.Random(20261122)
    before = server.metrics()
    made = jobs(server)
    tags, kinds = set(), set()
    with server.connect() as conn:
        for _ in range(100):
            conn.send(b"".join(request(link("width=96,format=auto"),
                                       fields={"Accept": any_accept(chance)})
                               for _ in range(100)))
            for _ in range(100):
                reply = conn.reply()
                assert reply.status == 200, reply
                tags.add(reply.get("ETag"))
                kinds.add(reply.get("Content-Type"))
    assert 2 <= len(tags) <= 4 and len(kinds) >= 2, (tags, kinds)
    assert jobs(server) - made <= 4
    entries = "selvedge_cache_memory_entries"
    assert server.metrics()[entries] - before[entries] <= 5  # and the source


@case(a_server_that_remembers)
def width_auto_has_four_widths_by_hints_and_agent(server):
    telephone = "Mozilla/5.0 (Linux; Android 13; Pixel 7) Mobile Safari/537.36"
    tags = set()
    for fields, width in [
            ({"Sec-CH-Width": "100"}, 320), ({"Sec-CH-Width": "321"}, 768), ({"Width": "800"}, 960),
            ({"Sec-CH-Width": "9999"}, 1000), ({"Viewport-Width": "400", "DPR": "2"}, 960),
            ({"Sec-CH-Viewport-Width": "300"}, 320), ({"User-Agent": telephone}, 768),
            ({"Sec-CH-Width": "x"}, 1000), ({}, 1000)]:
        reply = server.ask(link("width=auto,format=png", "large.png"), fields=fields)
        assert pictures.size_of(reply.body)[0] == width, (fields, pictures.size_of(reply.body))
        assert "Sec-CH-Width" in reply.get("Vary") and "Width" in reply.get("Accept-CH"), reply
        tags.add(reply.get("ETag"))
    assert len(tags) == 4


@case(a_server_that_remembers)
def a_slow_connection_gets_less(server):
    target = link("width=300,format=jpeg,quality=90,slow-connection-quality=10")
    fast = server.ask(target)
    for fields in ({"Save-Data": "on"}, {"ECT": "3g"}, {"RTT": "151"}, {"Downlink": "4.9"}):
        slow = server.ask(target, fields=fields)
        assert len(slow.body) < len(fast.body) * 0.8, (fields, len(slow.body), len(fast.body))
        assert "Save-Data" in slow.get("Vary")
    for fields in ({"Save-Data": "off"}, {"ECT": "4g"}, {"RTT": "150"}, {"Downlink": "5"}):
        assert server.ask(target, fields=fields).body == fast.body, fields


# --- validators and parts ---

@case(a_server_that_remembers)
def a_result_has_a_tag_and_answers_conditions(server):
    target = link("width=97")
    first = server.ask(target)
    tag = first.get("ETag")
    assert tag and first.get("Last-Modified") and first.get("Accept-Ranges") == "bytes"
    same = server.ask(target, fields={"If-None-Match": tag})
    assert same.status == 304 and same.get("ETag") == tag and same.get("Vary") == first.get("Vary")
    assert same.get("Cache-Control")
    assert server.ask(target, fields={"If-None-Match": '"x"'}).status == 200
    assert server.ask(target, fields={"If-Match": '"x"'}).status == 412
    head = server.ask(target, "HEAD")
    assert head.status == 200 and head.get("Content-Length") == str(len(first.body))


@table(a_server_that_remembers, [("small", "photo.png"), ("large", "large.png")])
def a_part_of_a_result_is_served(server, source):
    target = link("width=900,format=png", source)
    whole = server.ask(target).body
    for value, part in [("bytes=0-9", whole[:10]), ("bytes=100-", whole[100:]),
                        ("bytes=-50", whole[-50:])]:
        reply = server.ask(target, fields={"Range": value})
        assert reply.status == 206 and reply.body == part, (value, reply.status)
    assert server.ask(target, fields={"Range": f"bytes={len(whole)}-"}).status == 416


@case(a_server_that_remembers)
def a_first_answer_can_be_a_304_or_a_part(server):
    reply = server.ask(link("width=98"), fields={"Range": "bytes=0-3"})
    assert reply.status == 206 and reply.body == b"\x89PNG", reply
    assert not was_hit(reply)


# --- at once ---

@case(a_server_that_remembers)
def identical_requests_at_once_are_one_job(server):
    before = jobs(server)
    conns = [server.connect() for _ in range(20)]
    for conn in conns:
        conn.send(request(link("width=777,format=webp", "large.png")))
    replies = [conn.reply() for conn in conns]
    for conn in conns:
        conn.close()
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    how = [reply.get("Cache-Status") for reply in replies]
    assert sum("stored" in text for text in how) == 1, how
    assert sum("collapsed" in text for text in how) >= 1, how
    assert jobs(server) == before + 1


@case(a_server_that_remembers)
def a_source_is_kept_apart_from_what_is_made_of_it(server):
    path = server.root / "sizes.png"
    path.write_bytes(samples()["tiny.png"])
    assert server.ask(link("width=3", "sizes.png")).status == 200
    path.write_bytes(samples()["alpha.png"])
    for width in (4, 5, 6):  # of the source as it was fetched for the first
        reply = server.ask(link(f"width={width},format=json", "sizes.png"))
        assert not was_hit(reply), reply
        assert json.loads(reply.body)["original"]["width"] == 16, reply.body


@case(a_server_that_remembers)
def a_client_that_goes_away_does_not_undo_the_work(server):
    before = jobs(server)
    with server.connect() as conn:
        conn.send(request(link("width=778,format=webp", "large.png")))
    wait_for("the job", lambda: jobs(server) == before + 1)
    wait_for("a hit", lambda: was_hit(server.ask(link("width=778,format=webp", "large.png"))))
    assert jobs(server) == before + 1


@case(a_server_that_remembers)
def failures_are_not_kept(server):
    target = link("width=50", "later.png")
    assert server.ask(target).status == 404
    (server.root / "later.png").write_bytes(samples()["tiny.png"])
    assert server.ask(target).status == 200


@case(a_server_that_remembers)
def what_lies_in_the_picture_is_told_again_for_some_seconds(server):
    path = server.root / "torn.png"
    path.write_bytes(samples()["photo.png"][:2000])
    target = link("width=50", "torn.png")
    first = server.ask(target)
    assert first.status == 422, first
    assert first.get("Cache-Status") == "Selvedge; fwd=uri-miss", first
    again = server.ask(target)
    assert (again.status, again.body) == (422, first.body), again
    assert again.get("Cache-Status") == "Selvedge; hit; detail=failed", again
    assert again.get("Selvedge-Error") == "corrupt", again
    assert again.get("Cache-Control") == "no-store", again
    other = server.ask(link("width=51", "torn.png"))  # it might have been made
    assert other.get("Cache-Status") == "Selvedge; fwd=uri-miss", other
    wait_for("another try", lambda: not was_hit(server.ask(target)))
    path.write_bytes(samples()["photo.png"])
    assert was_hit(server.ask(target))
    assert server.purge(source="/torn.png").status == 200
    assert server.ask(target).status == 200


# --- purge ---

def is_gone(server, target, **more):
    return wait_for("the purge", lambda: not was_hit(server.ask(target, **more)))


@case(a_server_that_remembers)
def a_url_is_purged_with_all_its_variants(server):
    target, other = link("width=60,format=auto"), link("width=61,format=auto")
    accepts = [{"Accept": CHROME}, {"Accept": "image/webp"}, {"Accept": "image/avif"}, {}]
    for fields in accepts:
        server.ask(target, fields=fields)
        assert was_hit(server.ask(target, fields=fields))
    server.ask(other)
    assert server.purge(url=target).status == 200
    for fields in accepts:
        assert not was_hit(server.ask(target, fields=fields)), fields
    assert was_hit(server.ask(other))


@case(a_server_that_remembers)
def a_url_is_purged_however_its_options_stand(server):
    server.ask(link("width=62,height=50"))
    assert server.purge(url="http://localhost" + link("h=50,w=62")).status == 200
    assert not was_hit(server.ask(link("width=62,height=50")))


@case(a_server_that_remembers)
def a_source_is_purged_with_all_that_was_made_of_it(server):
    path = server.root / "changing.png"
    path.write_bytes(samples()["tiny.png"])
    targets = [link(f"width={width}", "changing.png") for width in (5, 6, 7)]
    for target in targets:
        server.ask(target)
    server.ask(link("width=63"))
    path.write_bytes(samples()["alpha.png"])
    assert all(was_hit(server.ask(target)) for target in targets)
    assert server.purge(source="/changing.png").status == 200
    for target in targets:
        assert not was_hit(server.ask(target))
    assert pictures.size_of(server.ask(link("format=png", "changing.png")).body) == (80, 60)
    assert was_hit(server.ask(link("width=63")))


@case(a_server_that_remembers)
def any_spelling_of_a_source_purges_it(server):
    in_a_folder(server)
    for source in SPELLINGS:
        server.ask(link("width=35", SPELLINGS[0]))
        assert was_hit(server.ask(link("width=35", SPELLINGS[0])))
        assert server.purge(source="/" + source).status == 200
        assert not was_hit(server.ask(link("width=35", SPELLINGS[0]))), source
        assert server.purge(url=link("width=35", source)).status == 200
        assert not was_hit(server.ask(link("width=35", SPELLINGS[0]))), source


@case(a_server_that_remembers)
def everything_is_purged(server):
    targets = [link(f"width={width}") for width in range(64, 70)]
    for target in targets:
        server.ask(target)
    assert server.purge(all=True).status == 200
    assert not any(was_hit(server.ask(target)) for target in targets)


@case(a_server_that_remembers)
def selvedge_purge_does_the_same(server):
    admin = "{}:{}".format(*server.admin)
    target = link("width=71")
    for words in ([target], ["--source", "/photo.png"], ["--all"]):
        server.ask(target)
        assert was_hit(server.ask(target))
        done = command("purge", "--admin", admin, *words)
        assert done.returncode == 0 and done.stdout.startswith("purged "), done
        assert not was_hit(server.ask(target)), words
    assert command("purge", "--admin", admin).returncode == 2
    assert command("purge", "--admin", "127.0.0.1:1", "--all").returncode == 1


@case(a_server_that_remembers)
def what_names_nothing_is_no_purge(server):
    assert server.purge(url="/hello").status == 404
    assert server.purge(url=link("width=0")).status == 404


# --- stale ---

@fixture
def a_server_of_one_second_freshness():
    with serve({"ttl_s": 1, "ttl_least_s": 1, "ttl_most_s": 1, "stale_s": 3600}) as server:
        yield server


def is_stale(reply):
    return "hit; ttl=-" in reply.get("Cache-Status", "")


@case(a_server_of_one_second_freshness)
def a_stale_result_is_served_while_it_is_renewed(server):
    path = server.root / "moving.png"
    path.write_bytes(samples()["tiny.png"])
    target = link("width=8,format=png", "moving.png")
    old = server.ask(target)
    path.write_bytes(samples()["photo.png"])
    seen = []

    def renewed():
        seen.append(server.ask(target))
        return seen[-1].body != old.body
    wait_for("the new picture", renewed)
    assert any(is_stale(reply) for reply in seen[:-1]), [r.get("Cache-Status") for r in seen]
    assert all(was_hit(reply) for reply in seen), [r.get("Cache-Status") for r in seen]
    assert {reply.status for reply in seen} == {200}


@case(a_server_of_one_second_freshness)
def a_stale_result_outlives_its_source(server):
    path = server.root / "leaving.png"
    path.write_bytes(samples()["tiny.png"])
    target = link("width=9,format=png", "leaving.png")
    old = server.ask(target)
    path.unlink()
    wait_for("staleness", lambda: is_stale(server.ask(target)))
    for _ in range(5):
        reply = server.ask(target)
        assert reply.status == 200 and reply.body == old.body, reply


@case(a_server_of_one_second_freshness)
def many_who_find_it_stale_renew_it_once(server):
    target = link("width=600,format=webp", "large.png")
    server.ask(target)
    wait_for("staleness", lambda: is_stale(server.ask(target)))
    wait_for("the renewal", lambda: not is_stale(server.ask(target)))
    before = jobs(server)
    wait_for("staleness", lambda: is_stale(server.ask(target)))
    replies = []

    def ask():
        replies.append(server.ask(target))
    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 20 and all(was_hit(reply) for reply in replies)
    wait_for("the renewal", lambda: jobs(server) > before)
    assert jobs(server) - before <= 3, jobs(server) - before  # a second may have passed meanwhile
