"""What documents say beside blocks that are run: links, replies, lines of the log, tables."""
import base64
import itertools
import json
import re

from commands import holds
from documents import PATHS, PROSE, of_kind, spans, table as table_of
from pages import SECRET, shown, signed, site_of, the_site_of_images_md, the_site_of_presets
from run import case, table
from selvedge import ROOT, command, wait_for

HARBOUR = "/samples/harbour.jpg"


def ask(site, target):
    """The reply to a link of a page, signed if it is not."""
    target = site.here(target)
    return site.ask(target if "sig=" in target else signed(target), host=site.at)


# --- links ---

def links_within_lines():
    for path, prose in PROSE.items():
        for span in dict.fromkeys(spans(prose)):
            if span.startswith("/cdn-cgi/image/"):
                yield path, re.sub(r"\?exp=….*", "", span)


def register(path, target):
    @table(site_of(path), [(f"{path}: {target}", target)])
    def a_link_within_a_line_is_served(site, target):
        reply = ask(site, target)
        assert reply.status == 200, reply
        holds(target, reply.get("Content-Type"), reply.body)


for link in links_within_lines():
    register(*link)


def register_paths(path):
    prose = PROSE[path]
    rows = [(f"{path}: {span}", *span.split()) for span in dict.fromkeys(spans(prose))
            if re.fullmatch(r"GET /\S+", span)]

    @table(site_of(path), rows)
    def a_path_that_may_be_asked_for_is_there(site, method, target):
        asked = site.ask_admin if "admin listener" in prose else site.ask
        reply = asked(target, method, host=site.at)
        assert reply.status == 200, reply


for each in PATHS:
    register_paths(each)


@table(site_of("README.md"), [(path, path) for path in PATHS])
def links_between_documents_lead_somewhere(_, path):
    for target in re.findall(r"\]\(([^)\s]+)\)", PROSE[path]):
        place, _, _ = target.partition("#")
        assert re.match(r"https?:", target) or ((ROOT / path).parent / place).exists(), target


# --- drawings ---

def source_text():
    return "".join(path.read_text() for path in (ROOT / "src").rglob("*.[ch]"))


def of_the_code(_, text):
    for name in re.findall(r"\b[a-z_]+(?:/[a-z_0-9]+)*\.[ch]\b", text):
        assert list((ROOT / "src").rglob(name)), f"there is no {name}"
    everything = source_text()
    for name in set(re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", text)):
        assert re.search(rf"\b{name}\b", everything), f"nothing is called {name}"


def of_a_link(site, text):
    target = text.splitlines()[0]
    reply = ask(site, target)
    assert reply.status == 200, reply
    # Each part of the drawing is as wide as what it names.
    widths = [len(part) for part in re.findall(r"└[^┘]*┘", text)]
    path, options, source = re.fullmatch(r"(/.+/image/)([^/]+)(/.+)", target).groups()
    assert widths == [len(path), len(options), len(source)], widths


def of_processes(_, text):
    for name in re.findall(r"\bselvedge-image(?:-\w+)?\b", text):
        assert re.search(rf"\b{name}\b", (ROOT / "src/jail/image/meson.build").read_text()), name


DRAWINGS = {" 1  listen/listen.c": of_the_code, "/cdn-cgi/image/": of_a_link,
            "selvedge serve ": of_processes}


@table(the_site_of_images_md, [(str(block), block) for block in of_kind("")])
def a_drawing_is_right(site, block):
    checks = [check for start, check in DRAWINGS.items() if block.text.startswith(start)]
    assert checks, f"{block}: no drawing that is known; if it is run, say sh or console"
    checks[0](site, block.text)


# --- what the program says ---

def alike(example, real, place=""):
    """The same names in the same order, and values of the same types."""
    assert type(example) is type(real), (place, example, real)
    if isinstance(example, dict):
        assert list(example) == list(real), (place, list(real))
        for name in example:
            alike(example[name], real[name], f"{place}.{name}")


def facts_of_a_picture(site, example):
    target = f"/cdn-cgi/image/width={example['width']},format=json{HARBOUR}"
    real = json.loads(ask(site, target).body)
    alike(example, real)
    for one, other in ((example, real), (example["original"], real["original"])):
        for name in ("width", "height", "frames", "format"):
            assert one[name] == other[name], (name, one[name], other[name])
    # The hashes are another picture's; of theirs it can be said that they are such.
    assert len(example["blurhash"]) == 4 + 2 * (ord(example["blurhash"][0]) - ord("L") + 12)
    assert len(base64.b64decode(example["thumbhash"], validate=True)) >= 5


def line_of_the_log(site, example):
    links = [target for path, target in links_within_lines() if path == "README.md"]
    assert ask(site, links[0]).status == 200
    lines = wait_for("a line", lambda: [line for line in site.access()
                                        if line["path"].startswith("/cdn-cgi/")])
    alike(example, lines[-1])
    assert (example["event"], example["service"]) == ("access", lines[-1]["service"])


def register_example(block):
    @table(site_of(block.path), [(str(block), block)])
    def an_example_of_json_is_like_the_real(site, block):
        example = json.loads(block.text)
        known = {"original": facts_of_a_picture, "event": line_of_the_log}
        checks = [check for name, check in known.items() if name in example]
        assert len(checks) == 1, f"{block}: an example of something unknown"
        checks[0](site, example)


for each in of_kind("json"):
    register_example(each)


# --- tables ---

WAYS = [["--until", "1798761600"], ["--timed"],
        ["--srcset", "320,640,960", "--formats", "auto,avif,webp"]]


@table(the_site_of_images_md, [
    (" ".join(way or row[:1]), row, way) for row, way in itertools.zip_longest(
        table_of("docs/images.md", "Signed links"), WAYS)])
def a_signed_link_looks_as_the_table_says(site, row, way):
    assert row and way, "a kind that is not known here"
    form = re.escape(spans(row[1])[0]).replace("<hex>", "[0-9a-f]{64}")
    form = re.sub(r"\d{10}", r"\\d{10}", form.replace("<base64>", "[A-Za-z0-9%]+"))
    form = form.replace("…", r"\d{10}")
    done = command("sign", "--key", f"main:{SECRET}", *way, f"/cdn-cgi/image/quality=80{HARBOUR}")
    printed = done.stdout.replace("&amp;", "&")
    assert done.returncode == 0 and re.search(form + r"[\s\"]", printed), (form, printed)
    target = re.search(r"/cdn-cgi/image/[^\s\"]+", printed)[0]
    assert site.ask(target).status == 200, target


@case(the_site_of_images_md)
def cache_status_says_what_the_table_lists(site):
    site.ask_admin("/purge", "POST", fields={"Content-Type": "application/json"},
                   body=b'{"all": true}')
    listed = [re.sub(r"\d+", "N", span) for row in table_of("docs/images.md", "Caching")
              for span in spans(row[0])]
    target = f"/cdn-cgi/image/width=33{HARBOUR}"
    for wanted in ("Selvedge; fwd=uri-miss; stored", "Selvedge; hit; ttl=N"):
        real = re.sub(r"\d+", "N", ask(site, target).get("Cache-Status"))
        assert real == wanted and wanted in listed, (real, listed)


@case(site_of("README.md"))
def errors_have_the_status_and_the_name_that_the_table_says(_):
    """Provoked are they in tests/e2e/images; here the table is held to the code's."""
    known = set(re.findall(r"X\(\w+, (\d+), \"([a-z-]+)\"\)",
                           (ROOT / "src/base/err.h").read_text()))
    told = {(row[0], name) for row in table_of("docs/images.md", "Errors")
            for name in spans(row[1])}
    assert told and told <= known, told - known


@case(site_of("README.md"))
def permission_groups_are_those_that_there_are(_):
    listed = {tuple(spans(row[0])[0:1] + spans(row[1])) for row in
              table_of("docs/api.md", "Tokens")}
    known = set(re.findall(r'X\(\w+, "([0-9a-f]{32})", "([^"]+)",',
                           (ROOT / "src/api/token.h").read_text()))
    assert known and listed == {(name, number) for number, name in known}, listed


@case(site_of("README.md"))
def settings_of_files_are_those_that_there_are(_):
    section = table_of("docs/configuration.md", "`sites[].routes[].files`")
    every = {row[0]: row[2].strip("`") for row in section}
    lines = re.findall(r"^\| (`.*) \|$", PROSE["docs/files.md"], re.M)
    told = {name: default.strip("`") for name, _, default in
            (line.split(" | ") for line in lines)}
    told = {name: "required" if default == "must be given" else default
            for name, default in told.items()}
    assert told == every, (told, every)


# --- presets ---

@case(the_site_of_presets)
def a_preset_is_all_that_it_says(site):
    preset = shown("docs/images.md", 1)
    height = int(re.search(r"height=(\d+)", preset)[1])
    border = int(re.search(r"border: .*width: (\d+)", preset)[1])
    reply = site.ask(f"/cdn-cgi/image/preset=card,format=json{HARBOUR}")
    assert json.loads(reply.body)["height"] == height + 2 * border, reply.body


@table(the_site_of_presets, [
    ("none", "width=100", 403), ("one", "preset=card", 200), ("one and the width",
     "preset=card,width=100", 200), ("one and what is not listed", "preset=card,blur=5", 403),
    ("one that is not there", "preset=cart", 400)])
def with_presets_only_a_link_must_name_one(site, options, status):
    reply = site.ask(f"/cdn-cgi/image/{options}{HARBOUR}")
    assert reply.status == status, reply
