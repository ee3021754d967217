"""API tokens: made, shown once, used, bounded, changed, taken back."""
import time

from account import FIRST, GROUPS, Client, first_token, policy, serve
from run import case, fixture, table
from selvedge import wait_for

KV_WRITE, KV_READ = "Workers KV Storage Write", "Workers KV Storage Read"
TOKENS_WRITE = "Account API Tokens Write"
R2_WRITE = "Workers R2 Storage Write"


def iso(seconds):
    """A time from now, as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@fixture
def a_server_with_tokens():
    with serve() as server:
        yield server


def admin(server):
    return server.client


def works(client):
    return client.ask("GET", "/user/tokens/verify").status == 200


def verify(client):
    return client.ask("GET", "/user/tokens/verify")


@case(a_server_with_tokens)
def the_first_start_shows_a_token_that_may_do_everything(server):
    answer = verify(admin(server)).result
    assert answer["status"] == "active"
    assert admin(server).token[4:36] == answer["id"]
    token = admin(server).ask("GET", f"~/tokens/{answer['id']}").result
    assert {group["id"] for group in token["policies"][0]["permission_groups"]} == set(
        GROUPS.values())


@case(a_server_with_tokens)
def a_token_is_made_and_its_value_shown_once(server):
    made = admin(server).token_with(KV_READ, name="reads")
    assert set(made) == {"id", "name", "status", "issued_on", "modified_on", "policies", "value"}
    assert made["value"].startswith(f"slv_{made['id']}_") and len(made["value"]) == 83
    got = admin(server).ask("GET", f"~/tokens/{made['id']}").result
    del made["value"]
    assert got == made
    listed = admin(server).ask("GET", "~/tokens?per_page=50").result
    assert got in listed
    assert not any("value" in token or "secret" in token for token in listed)
    assert abs(time.time() - time.mktime(time.strptime(
        made["issued_on"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 60


@case(a_server_with_tokens)
def accounts_are_shown(server):
    account, = admin(server).ask("GET", "/accounts").result
    assert account["id"] == admin(server).account and account["type"] == "standard"
    assert admin(server).ask("GET", "~").result == account
    assert admin(server).ask("GET", "/accounts").json["result_info"] == {
        "page": 1, "per_page": 20, "count": 1, "total_count": 1, "total_pages": 1}
    # Who goes on until there are none comes to an end.
    assert admin(server).ask("GET", "/accounts?page=2").result == []
    admin(server).ask("GET", "/accounts/" + "0" * 32).refused(403, 10000)


@case(a_server_with_tokens)
def lists_come_by_page(server):
    for number in range(7):
        admin(server).token_with(KV_READ, name=f"page {number}")
    whole = admin(server).ask("GET", "~/tokens?per_page=50")
    ids = [token["id"] for token in whole.result]
    paged, page = [], 1
    while True:
        answer = admin(server).ask("GET", f"~/tokens?per_page=5&page={page}")
        info = answer.json["result_info"]
        assert (info["count"], info["total_count"]) == (len(answer.result), len(ids)), info
        paged += [token["id"] for token in answer.result]
        if page == info["total_pages"]:
            break
        page += 1
    assert page >= 2 and paged == ids == sorted(ids)
    assert admin(server).ask("GET", f"~/tokens?per_page=5&page={page + 1}").result == []
    for query in ("per_page=4", "per_page=51", "page=0", "page=x", "page=1&page=1"):
        admin(server).ask("GET", f"~/tokens?{query}").refused(400, 10004)


@case(a_server_with_tokens)
def permission_groups_are_cloudflares(server):
    groups = admin(server).ask("GET", "~/tokens/permission_groups").result
    assert {group["name"]: group["id"] for group in groups} == GROUPS
    one, = admin(server).ask(
        "GET", "~/tokens/permission_groups?name=Workers%20KV%20Storage%20Read").result
    assert one == {"id": GROUPS[KV_READ], "name": KV_READ,
                   "scopes": ["com.cloudflare.api.account"]}
    scoped = admin(server).ask(
        "GET", "~/tokens/permission_groups?scope=com.cloudflare.edge.r2.bucket").result
    assert {group["name"] for group in scoped} == {
        "Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write"}


# --- what ends it ---

@case(a_server_with_tokens)
def a_token_is_renamed_disabled_and_enabled(server):
    made = admin(server).token_with(KV_READ)
    client = admin(server).client(made["value"])
    path = f"~/tokens/{made['id']}"
    assert works(client)
    changed = admin(server).ask("PUT", path, {"name": "two", "status": "disabled"}).result
    assert (changed["name"], changed["status"]) == ("two", "disabled")
    assert changed["policies"] == made["policies"] and "value" not in changed
    verify(client).refused(403, 10000)
    assert admin(server).ask("PUT", path, {"status": "active"}).result["status"] == "active"
    assert works(client)


@case(a_server_with_tokens)
def a_token_that_expires_ends_on_time(server):
    made = admin(server).token_with(KV_READ, expires_on=iso(2))
    client = admin(server).client(made["value"])
    assert verify(client).result["expires_on"] == made["expires_on"]
    wait_for("the end of the token", lambda: not works(client))
    assert time.time() >= time.mktime(time.strptime(
        made["expires_on"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    verify(client).refused(403, 10000)
    assert admin(server).ask("GET", f"~/tokens/{made['id']}").result["status"] == "expired"
    # It may be given more time.
    admin(server).ask("PUT", f"~/tokens/{made['id']}", {"expires_on": iso(3600)})
    assert works(client)


@table(a_server_with_tokens, [
    ("expired", lambda: {"expires_on": iso(-1)}, False),
    ("not yet", lambda: {"not_before": iso(3600)}, False),
    ("since an hour", lambda: {"not_before": iso(-3600)}, True),
    ("from here", lambda: {"condition": {"request_ip": {"in": ["127.0.0.0/8"]}}}, True),
    ("from elsewhere", lambda: {"condition": {"request_ip": {"in": ["192.0.2.0/24", "::1"]}}},
     False),
    ("not from here", lambda: {"condition": {"request_ip": {
        "in": ["127.0.0.0/8"], "not_in": ["127.0.0.0/30"]}}}, False),
    ("not from elsewhere", lambda: {"condition": {"request_ip": {"not_in": ["192.0.2.0/24"]}}},
     True),
])
def a_token_holds_when_and_where_it_says(server, more, holds):
    made = admin(server).token_with(KV_READ, **more())
    assert works(admin(server).client(made["value"])) == holds
    changed = admin(server).ask("PUT", f"~/tokens/{made['id']}", {
        "expires_on": None, "not_before": None, "condition": {}}).result
    assert not {"expires_on", "not_before", "condition"} & set(changed), changed
    assert works(admin(server).client(made["value"]))


@case(a_server_with_tokens)
def a_token_that_was_rolled_has_another_value_at_once(server):
    made = admin(server).token_with(KV_READ)
    old = admin(server).client(made["value"])
    assert works(old)
    value = admin(server).ask("PUT", f"~/tokens/{made['id']}/value", {}).result
    assert value != made["value"] and value[:37] == made["value"][:37]
    verify(old).refused(403, 10000)
    assert works(admin(server).client(value))


@case(a_server_with_tokens)
def a_token_that_was_deleted_ends_at_once(server):
    made = admin(server).token_with(KV_READ)
    client = admin(server).client(made["value"])
    assert works(client)
    path = f"~/tokens/{made['id']}"
    assert admin(server).ask("DELETE", path).result == {"id": made["id"]}
    verify(client).refused(403, 10000)
    for method in ("GET", "DELETE"):
        admin(server).ask(method, path).refused(404)
    admin(server).ask("PUT", path, {"name": "x"}).refused(404)
    admin(server).ask("PUT", path + "/value", {}).refused(404)


@case(a_server_with_tokens)
def the_last_use_is_shown(server):
    made = admin(server).token_with(KV_READ)
    path = f"~/tokens/{made['id']}"
    assert "last_used_on" not in admin(server).ask("GET", path).result
    begun = iso(0)
    assert works(admin(server).client(made["value"]))
    used = wait_for("the use to be written down",
                    lambda: admin(server).ask("GET", path).result.get("last_used_on"))
    assert begun <= used <= iso(0)
    listed = admin(server).ask("GET", "~/tokens?per_page=50").result
    assert [token["last_used_on"] for token in listed if token["id"] == made["id"]] == [used]


# --- rights ---

@case(a_server_with_tokens)
def two_tokens_have_their_own_rights(server):
    space = admin(server).space("two tokens")
    reads = space.by(admin(server).with_rights(KV_READ))
    writes = space.by(admin(server).with_rights(KV_WRITE))
    assert writes.put("a", b"1").status == 200
    assert reads.value("a") == writes.value("a") == b"1"
    reads.put("a", b"2").refused(403, 9109)
    reads.remove("a").refused(403, 9109)
    reads.bulk([{"key": "a", "value": "3"}]).refused(403, 9109)
    assert writes.value("a") == b"1"
    for client in (reads.client, writes.client):
        client.ask("GET", "~/tokens").refused(403, 9109)
        client.ask("POST", "~/tokens", {}).refused(403, 9109)


@case(a_server_with_tokens)
def what_is_denied_wins(server):
    client = admin(server).client(admin(server).ask("POST", "~/tokens", {
        "name": "denied", "policies": [
            policy(admin(server).account, KV_WRITE),
            policy(admin(server).account, KV_WRITE, effect="deny")]}).result["value"])
    space = admin(server).space("denied").by(client)
    space.put("a", b"1").refused(403, 9109)
    space.is_gone("a")


@case(a_server_with_tokens)
def nobody_gives_rights_that_he_does_not_have(server):
    limited = admin(server).with_rights(KV_WRITE, TOKENS_WRITE)
    body = {"name": "more", "policies": [policy(admin(server).account, R2_WRITE)]}
    limited.ask("POST", "~/tokens", body).refused(403, part="rights that it does not have")
    bucket = f"com.cloudflare.edge.r2.bucket.{admin(server).account}_default_pictures"
    limited.ask("POST", "~/tokens", {"name": "more", "policies": [policy(
        admin(server).account, "Workers R2 Storage Bucket Item Read",
        resources={bucket: "*"})]}).refused(403, part="rights that it does not have")
    made = limited.token_with(KV_READ)
    limited.ask("PUT", f"~/tokens/{made['id']}", {"policies": body["policies"]}).refused(
        403, part="rights that it does not have")
    # Nor does he get at the value of one that has more.
    own = admin(server).token[4:36]
    limited.ask("PUT", f"~/tokens/{own}/value", {}).refused(403)
    assert works(admin(server))
    assert limited.ask("GET", f"~/tokens/{made['id']}").result["policies"] == made["policies"]


# --- mistakes ---

def changed(**more):
    return lambda account: {"name": "x", "policies": [policy(account, KV_READ)], **more}


def policies(**more):
    return lambda account: {"name": "x", "policies": [{**policy(account, KV_READ), **more}]}


@table(a_server_with_tokens, [
    ("an array", lambda account: [], 400, "a token is an object"),
    ("no JSON", lambda account: b"{", 400, "no JSON"),
    ("nothing", lambda account: b"", 400, "no JSON"),
    ("no UTF-8", lambda account: b'{"name": "\xff"}', 400, "no JSON"),
    ("a name twice", lambda account: b'{"name": "a", "name": "b"}', 400, "no JSON"),
    ("deeper than anybody needs", lambda account: b"[" * 100000, 400, "no JSON"),
    ("more than 1 MiB", lambda account: b" " * ((1 << 20) + 1), 413, "1048576"),
    ("no name", lambda account: {"policies": []}, 400, "name"),
    ("a name of 121 bytes", changed(name="x" * 121), 400, "name"),
    ("a name that is a number", changed(name=5), 400, "name"),
    ("no policies", lambda account: {"name": "x"}, 400, "policies"),
    ("none of them", changed(policies=[]), 400, "policies"),
    ("21 of them", lambda account: {"name": "x", "policies": [policy(account, KV_READ)] * 21}, 413,
     "policies"),
    ("an effect", policies(effect="maybe"), 400, "effect"),
    ("no groups", policies(permission_groups=[]), 400, "permission_groups"),
    ("a group that is none", policies(permission_groups=[{"id": "0" * 32}]), 400,
     "permission group"),
    ("no resources", policies(resources={}), 400, "resources"),
    ("another account", policies(resources={f"com.cloudflare.api.account.{'0' * 32}": "*"}), 400,
     "resource"),
    ("a right of the account on a bucket", policies(
        resources={"com.cloudflare.edge.r2.bucket.*": "*"}), 400, "of an account"),
    ("a status", changed(status="asleep"), 400, "status"),
    ("a time", changed(expires_on="tomorrow"), 400, "expires_on"),
    ("a network", changed(condition={"request_ip": {"in": ["300.0.0.1"]}}), 400, "condition"),
    ("51 networks", changed(condition={"request_ip": {"in": ["192.0.2.1"] * 51}}), 400,
     "condition"),
    ("a condition that is none", changed(condition={"phase": "full moon"}), 400, "condition"),
])
def a_mistake_is_named_and_nothing_is_made(server, body, status, part):
    before = admin(server).ask("GET", "~/tokens").json["result_info"]["total_count"]
    admin(server).ask("POST", "~/tokens", body(admin(server).account)).refused(status, part=part)
    after = admin(server).ask("GET", "~/tokens").json["result_info"]["total_count"]
    assert before == after


@case(a_server_with_tokens)
def a_name_of_120_bytes_and_20_policies_are_fine(server):
    made = admin(server).ask("POST", "~/tokens", {
        "name": "ü" * 60, "policies": [policy(admin(server).account, KV_READ)] * 20}).result
    assert made["name"] == "ü" * 60 and len(made["policies"]) == 20


# --- where values are, and where not ---

@case(a_server_with_tokens)
def values_are_neither_in_the_store_nor_in_the_log(server):
    """The first one is shown once, where it is said to be."""
    client = admin(server).with_rights(KV_WRITE)
    space = admin(server).space("not kept").by(client)
    assert space.put("a", b"1").status == 200
    client.ask("PUT", "~/storage/kv/namespaces", {}).refused(405)
    # Somebody puts it where it does not belong.
    client.ask("GET", f"~/storage/kv/namespaces?token={client.token}")
    with server.connect(-1) as conn:
        conn.ask(f"/client/v4/{client.token}")
    errors = server.errors()
    assert len(FIRST.findall(errors)) == 1 and errors.count(admin(server).token) == 1
    server.stop()
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("account") for path in files), files
    for path in files:
        data = path.read_bytes()
        assert client.token.encode() not in data, path
        assert admin(server).token.encode() not in data or path == server.err, path
        assert client.token[37:].encode() not in data, path
    admin(server).close()
    server.start()
    assert works(admin(server))
    assert not FIRST.search(server.errors())


@case(a_server_with_tokens)
def two_first_starts_make_two_accounts(server):
    with serve() as other:
        account, value = first_token(other)
        assert account != admin(server).account
        Client(server, value, admin(server).account).ask("GET", "/accounts").refused(403, 10000)
