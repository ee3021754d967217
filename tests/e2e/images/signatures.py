"""Links that only their maker could have made, by each scheme, and one bit away from them."""
import base64
import hashlib
import hmac
import re
import time
import urllib.parse

from run import case, fixture, table
from selvedge import command, request
from studio import ROUTE, link, serve

KEYS = {"old": "first secret", "new": "secret of \u00fcmlauts & spaces"}
NEVER = 4102444800  # the year 2100
REQUIRED = {"signing": {"required": True, "timed_ttl_s": 3600, "keys": [
    {"name": name, "secret": secret} for name, secret in KEYS.items()]}}


@fixture
def a_server_of_signed_links():
    with serve(REQUIRED) as server:
        yield server


def mac(text, key="new"):
    return hmac.new(KEYS[key].encode(), text.encode(), hashlib.sha256)


def by_exp(path, exp=NEVER, key="new", query=""):
    text = f"{path}?{query}exp={exp}"
    return f"{text}&sig={mac(text, key).hexdigest()}"


def by_time(path, issued=None, key="new", query="", url=False):
    issued = issued or int(time.time())
    joint = "?" + query if query else ""
    digest = mac(f"{path}{joint}{issued}", key).digest()
    if url:
        code = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    else:
        code = urllib.parse.quote(base64.b64encode(digest).decode(), safe="")
    return f"{path}{joint}{'&' if query else '?'}verify={issued}-{code}"


def by_set(path, widths="100,200,300", formats="auto,avif,webp", exp=NEVER, key="new"):
    query = "&".join(
        part for part in (f"widths={widths}" if widths else "",
                          f"formats={formats}" if formats else "", f"exp={exp}", f"key={key}")
        if part)
    signed = path
    if widths:
        signed = re.sub(r"width=[^,/]*", "width=*", signed)
    if formats:
        signed = re.sub(r"format=[^,/]*", "format=*", signed)
    code = mac(f"selvedge-set-1\n{signed}?{query}", key).hexdigest()
    return f"{path}?{query}&sig={code}"


PLAIN = link("width=100,format=auto")
SCHEMES = {"exp": by_exp, "timed": by_time, "set": by_set}


@table(a_server_of_signed_links, [
    (f"{name} by key {key}", make(PLAIN, key=key)) for name, make in SCHEMES.items()
    for key in KEYS] + [
    ("exp with a query of the source", by_exp(PLAIN, query="v=1&w=2&")),
    ("timed with a query of the source", by_time(PLAIN, query="v=1")),
    ("exp at the end of time", by_exp(PLAIN, exp=253402300799)),
    ("timed nearly over", by_time(PLAIN, issued=int(time.time()) - 3000)),
    ("set of one width", by_set(PLAIN, widths="100", formats="")),
    ("set of formats alone", by_set(PLAIN, widths="")),
])
def a_signed_link_is_served(server, target):
    reply = server.ask(target)
    assert reply.status == 200, reply


@case(a_server_of_signed_links)
def a_set_allows_each_of_its_widths_and_formats(server):
    target = by_set(PLAIN)
    for width in (100, 200, 300):
        for name in ("auto", "avif", "webp"):
            reply = server.ask(target.replace("width=100", f"width={width}")
                               .replace("format=auto", f"format={name}"))
            assert reply.status == 200, (width, name, reply)


@table(a_server_of_signed_links, [
    ("unsigned", PLAIN, "signature"),
    ("unsigned with a query", PLAIN + "?v=1", "signature"),
    ("exp that is over", by_exp(PLAIN, exp=1000000000), "expired"),
    ("timed that is over", by_time(PLAIN, issued=int(time.time()) - 3700), "expired"),
    ("set that is over", by_set(PLAIN, exp=1000000000), "expired"),
    ("exp past the end of time", by_exp(PLAIN, exp=253402300800), "signature"),
    ("exp of 2^64", by_exp(PLAIN, exp=18446744073709551616 + NEVER), "signature"),
    ("exp with a leading zero", by_exp(PLAIN, exp=f"0{NEVER}"), "signature"),
    ("exp that is negative", by_exp(PLAIN, exp=-1), "signature"),
    ("exp that is empty", by_exp(PLAIN, exp=""), "signature"),
    ("sig in capitals", by_exp(PLAIN)[:-64] + by_exp(PLAIN)[-64:].upper(), "signature"),
    ("sig cut short", by_exp(PLAIN)[:-2], "signature"),
    ("sig cut to nothing", by_exp(PLAIN)[:-64], "signature"),
    ("sig and more", by_exp(PLAIN) + "00", "signature"),
    ("sig twice", by_exp(PLAIN) + by_exp(PLAIN)[-69:], "signature"),
    ("sig twice, the first wrong", by_exp(PLAIN)[:-69] + "&sig=" + "0" * 64
     + by_exp(PLAIN)[-69:], "signature"),
    ("exp twice", by_exp(PLAIN, query=f"exp={NEVER}&"), "signature"),
    ("something behind", by_exp(PLAIN) + "&x=1", "signature"),
    ("an encoded digit", by_exp(PLAIN).replace(f"exp={NEVER}", "exp=%34102444800"), "signature"),
    ("the order changed", PLAIN + "?" + "&".join(
        reversed(by_exp(PLAIN).split("?")[1].split("&"))), "signature"),
    ("timed and exp", by_time(PLAIN, query=f"exp={NEVER}"), "signature"),
    ("timed with eleven digits", by_time(PLAIN, issued=int(time.time()) * 10), "signature"),
    ("timed in the other form", by_time(PLAIN, url=True), "signature"),
    ("set of an unknown key", by_set(PLAIN).replace("key=new", "key=newer"), "signature"),
    ("set of the other key", by_set(PLAIN).replace("key=new", "key=old"), "signature"),
    ("set without the width", by_set(PLAIN).replace("width=100", "width=101"), "signature"),
    ("set without the format", by_set(PLAIN).replace("format=auto", "format=png"), "signature"),
    ("set with an alias", by_set(PLAIN).replace("width=100", "w=100"), "signature"),
    ("set with a star", by_set(PLAIN).replace("width=100", "width=*"), "signature"),
    ("set with the width twice", by_set(PLAIN).replace("width=100", "width=100,width=200"),
     "signature"),
    ("set with another option", by_set(PLAIN).replace("format=auto", "format=auto,blur=9"),
     "signature"),
    ("set with more widths", by_set(PLAIN).replace("widths=100,", "widths=50,100,"), "signature"),
    ("set that falls", by_set(PLAIN, widths="200,100"), "signature"),
    ("set of the same", by_set(PLAIN, widths="100,100"), "signature"),
    ("set with a leading zero", by_set(PLAIN, widths="0100,200"), "signature"),
    ("set of 33", by_set(PLAIN, widths=",".join(str(w) for w in range(100, 133))), "signature"),
    ("set that is empty", by_set(PLAIN).replace("widths=100,200,300", "widths="), "signature"),
    ("exp read as a set", by_exp(PLAIN, query="widths=100&key=new&"), "signature"),
    ("another path", by_exp(link("width=101,format=auto")).replace("width=101", "width=100"),
     "signature"),
    ("an encoded letter", by_exp(PLAIN).replace("photo", "phot%6f"), "signature"),
])
def a_link_that_was_not_made_so_is_refused(server, target, code):
    reply = server.ask(target)
    assert (reply.status, reply.code) == (403, code), reply


@table(a_server_of_signed_links, [(name, make(PLAIN)) for name, make in SCHEMES.items()])
def every_bit_that_is_changed_is_noticed(server, target):
    """A bit of the route itself leads elsewhere, and some make no path at all; all others are
    refused as a wrong signature or as one that is over."""
    refused = asked = 0
    with server.connect() as conn:
        for at in range(1, len(target)):
            for bit in range(7):
                changed = chr(ord(target[at]) ^ (1 << bit))
                if not "!" <= changed <= "~" or changed == "#":
                    continue
                reply = conn.ask(target[:at] + changed + target[at + 1:])
                asked += 1
                refused += reply.status == 403
                if target[at - 1:at + 3] in ("=100", "100,", "00,f"):
                    continue  # may be another width of the set: looked at below
                inside = at >= len(ROUTE)
                ends = changed in "/?%\\&" or target[at] in "/?%&"
                assert reply.status == 403 or not inside or (ends and reply.status in (
                    400, 403, 404)), (target[:at] + changed + target[at + 1:], reply)
                assert reply.status != 200, target[:at] + changed + target[at + 1:]
                if reply.get("Connection") == "close":
                    conn.close()
                    conn.__init__(server.address)
    assert refused > asked * 0.8 and asked > 600, (refused, asked)


@case(a_server_of_signed_links)
def the_widths_of_a_set_are_exactly_those(server):
    target = by_set(PLAIN)
    with server.connect() as conn:
        served = [width for width in range(1, 400) if conn.ask(
            target.replace("width=100", f"width={width}")).status == 200]
    assert served == [100, 200, 300], served


@case(a_server_of_signed_links)
def a_signed_reply_is_not_kept_longer_than_its_link(server):
    reply = server.ask(by_exp(PLAIN, exp=int(time.time()) + 60))
    age = int(re.search(r"max-age=(\d+)", reply.get("Cache-Control"))[1])
    assert age <= 60, reply.get("Cache-Control")


@case(a_server_of_signed_links)
def an_error_comes_after_the_signature(server):
    """Who has no key learns nothing about sources and options."""
    for target in (link("width=100", "gone.png"), link("width=0"), link("preset=x")):
        assert server.ask(target).status == 403
        assert server.ask(by_exp(target)).status in (400, 404)


@case(a_server_of_signed_links)
def selvedge_sign_makes_links_of_each_scheme(server):
    key = f"new:{KEYS['new']}"
    for words in (["--for", "60"], ["--until", str(NEVER)], ["--timed"]):
        done = command("sign", "--key", key, *words, PLAIN)
        assert done.returncode == 0, done
        assert server.ask(done.stdout.strip()).status == 200, done.stdout


@case(a_server_of_signed_links)
def selvedge_sign_makes_a_picture_of_links_that_all_hold(server):
    done = command("sign", "--key", f"new:{KEYS['new']}", "--srcset", "50,100,150", "--formats",
                   "avif,webp", "--alt", "a <cat>", link("quality=80"))
    assert done.returncode == 0 and done.stdout.startswith("<picture>"), done
    assert done.stdout.count("<source") == 2 and 'alt="a &lt;cat&gt;"' in done.stdout, done.stdout
    links = re.findall(r"(/cdn-cgi/[^\s\"]+)", done.stdout)
    assert len(links) >= 9, done.stdout
    for target in {target.replace("&amp;", "&") for target in links}:
        assert server.ask(target).status == 200, target


@case(a_server_of_signed_links)
def two_thousand_guesses_do_not_stop_the_others(server):
    target = by_exp(PLAIN)
    with server.connect() as conn:
        for start in range(0, 2000, 100):
            conn.send(b"".join(request(f"{target[:-64]}{guess:064x}")
                               for guess in range(start, start + 100)))
            assert {conn.reply().status for _ in range(100)} == {403}
    assert server.ask(target).status == 200


@fixture
def a_server_of_tokens_in_base64url():
    with serve({"signing": {**REQUIRED["signing"], "timed_form": "base64url"}}) as server:
        yield server


@case(a_server_of_tokens_in_base64url)
def the_other_form_of_a_token_is_read(server):
    assert server.ask(by_time(PLAIN, url=True)).status == 200
    assert server.ask(by_time(PLAIN)).status == 403


@fixture
def a_server_where_signing_is_optional():
    with serve({"signing": {**REQUIRED["signing"], "required": False, "timed": False}}) as server:
        yield server


@case(a_server_where_signing_is_optional)
def an_unsigned_link_is_served_and_a_wrong_one_is_not(server):
    assert server.ask(PLAIN).status == 200
    assert server.ask(by_exp(PLAIN)).status == 200
    assert server.ask(by_exp(PLAIN)[:-1] + "x").status == 403


@case(a_server_where_signing_is_optional)
def a_token_is_refused_where_tokens_are_off(server):
    assert server.ask(by_time(PLAIN)).status == 403
