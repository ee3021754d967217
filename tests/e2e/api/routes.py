"""Every call of the API, and tokens that must not open it."""
import itertools

from account import Client, calls
from hosted import serve
from run import case, fixture, table

KEY = "routes"
BODY = {"title": "changed", "name": "changed", "keys": [KEY], "status": "disabled"}


@fixture
def a_server_with_something_to_lose():
    with serve() as server:
        server.space = server.client.space("to lose")
        assert server.space.put(KEY, b"kept").status == 200
        server.images.upload(id=KEY).result
        # One that nobody uses, for calls that take a token's id.
        server.aim = server.client.token_with("Workers KV Storage Read", name="aim")
        yield server


def path_of(server, path):
    """A call's path with what is there put in."""
    token = "tokens/:" in path
    filled = path.replace("/accounts/:", "~", 1).replace(":/blob", f"{KEY}/blob")
    return filled.replace(":", server.aim["id"] if token else server.space.id).replace("*", KEY)


def body_of(method, path):
    if method in ("GET", "DELETE") and not path.endswith("/bulk"):
        return None
    if path.endswith("/values/*"):
        return b"changed"
    if path.endswith("/bulk"):
        return [{"key": KEY, "value": "changed"}] if method == "PUT" else [KEY]
    return [KEY] if path.endswith("/bulk/delete") else BODY


def state(server):
    """All that a call could change."""
    client = server.client
    tokens = client.ask("GET", "~/tokens?per_page=50").result
    return ([{key: value for key, value in token.items() if key != "last_used_on"}
             for token in tokens],
            client.ask("GET", "~/storage/kv/namespaces").result,
            server.space.value(KEY), server.space.names(),
            server.images.list().result, server.images.blob(KEY).body,
            client.ask("GET", server.images.at(rest="/variants")).result,
            client.ask("GET", server.images.at(rest="/config")).result,
            client.ask("GET", server.images.at(rest="/keys")).result)


def is_by_secret(path):
    """What opens it is in its path."""
    return path.startswith("/upload/")


def flipped(value, at):
    other = "a" if value[at] != "a" else "b"
    return value[:at] + other + value[at + 1:]


def bad_tokens(server):
    client = server.client
    good = client.token
    expired = client.token_with("Workers KV Storage Write", "Account API Tokens Write",
                                name="expired", expires_on="2020-01-01T00:00:00Z")
    disabled = client.token_with("Workers KV Storage Write", "Account API Tokens Write",
                                 name="disabled", status="disabled")
    if disabled["status"] != "disabled":
        client.ask("PUT", f"~/tokens/{disabled['id']}", {"status": "disabled"})
    deleted = client.token_with("Workers KV Storage Write", name="deleted")
    client.ask("DELETE", f"~/tokens/{deleted['id']}")
    return {
        "empty": "Bearer ", "no scheme": good, "another scheme": f"Basic {good}",
        "two spaces": f"Bearer  {good}", "one letter more": f"Bearer {good}x",
        "one letter less": f"Bearer {good[:-1]}", "a wrong checksum": "Bearer " + flipped(good, 82),
        "a wrong secret": "Bearer " + flipped(good, 50), "a wrong id": "Bearer " + flipped(good, 9),
        "in capitals": f"Bearer {good.upper()}", "two of them": f"Bearer {good}, Bearer {good}",
        "expired": f"Bearer {expired['value']}", "disabled": f"Bearer {disabled['value']}",
        "deleted": f"Bearer {deleted['value']}", "bytes": "Bearer \xff\xfe",
        "long": "Bearer " + "slv_" * 1000,
    }


def forge(server, token, good):
    """A value whose checksum holds, with the secret of nobody."""
    import zlib
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text = f"slv_{token}_" + "A" * 40
    rest, sum_ = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        sum_ = digits[digit] + sum_
    assert good[37:] != "A" * 40
    return text + sum_


@case(a_server_with_something_to_lose)
def no_call_is_open_to_who_has_no_token(server):
    nobody = Client(server, None, server.client.account)
    before = state(server)
    for method, path, need in calls():
        assert need != "no token", (method, path)
        nobody.ask(method, path_of(server, path), body_of(method, path)).refused(
            *(403, 5403) if is_by_secret(path) else (401, 10000))
    assert state(server) == before


@case(a_server_with_something_to_lose)
def no_call_is_open_to_a_token_that_does_not_hold(server):
    nobody = Client(server, None, server.client.account)
    bad = bad_tokens(server)
    bad["forged"] = "Bearer " + forge(server, server.client.token[4:36], server.client.token)
    bad["forged, of nobody"] = "Bearer " + forge(server, "0" * 32, server.client.token)
    before = state(server)
    for (method, path, _), (name, value) in itertools.product(calls(), bad.items()):
        answer = nobody.ask(method, path_of(server, path), body_of(method, path),
                            {"Authorization": value})
        if is_by_secret(path):
            answer.refused(403, 5403)
            continue
        assert answer.status == (401 if value == "Bearer " and not value.strip() else 403) and \
            answer.code == 10000, (name, method, path, answer)
    assert state(server) == before


@case(a_server_with_something_to_lose)
def a_token_opens_the_calls_of_its_group_and_no_other(server):
    before = state(server)
    groups = {need for _, _, need in calls()} - {
        "any token", "no token", "a token of its own", "a secret in its path"}
    assert len(groups) >= 4, groups
    for group in groups:
        others = [name for name in groups if name != group and not (
            name.replace("Write", "Read") == group)]
        client = server.client.with_rights(*others, name=f"all but {group}")
        for method, path, need in calls():
            if need == group:
                client.ask(method, path_of(server, path), body_of(method, path)).refused(
                    403, 9109)
    after = state(server)
    made = [token for token in after[0] if token["name"].startswith("all but ")]
    assert [token for token in after[0] if token not in made] == before[0]
    assert after[1:] == before[1:]


@case(a_server_with_something_to_lose)
def a_token_is_for_its_own_account(server):
    other = Client(server, server.client.token, "f" * 32)
    before = state(server)
    for method, path, _ in calls():
        if path.startswith("/accounts/:"):
            other.ask(method, path_of(server, path), body_of(method, path)).refused(403, 10000)
    assert state(server) == before


@table(a_server_with_something_to_lose, [(text, text, status) for text, status in (
    ("/", 404), ("", 404), ("/accounts/", 404), ("//accounts", 404), ("/Accounts", 404),
    ("/accounts/%zz", 400), ("/zones", 404), ("~/storage/kv/namespaces/", 404),
    ("~/storage/kv/namespaces/x/values", 404), ("/user/tokens", 404), ("/accounts?x", 200),
    ("/accounts#x", 400), ("/accounts;x", 404), ("/%61ccounts", 404))])
def a_path_is_routed_or_not(server, path, status):
    answer = server.ask_admin("/client/v4" + path.replace("~", f"/accounts/{server.client.account}"),
                              fields=server.client.fields())
    assert answer.status == status, answer


@case(a_server_with_something_to_lose)
def a_method_that_is_not_there_is_told(server):
    for method in ("PATCH", "OPTIONS", "PURGE", "POST", "DELETE"):
        answer = server.client.ask(method, "/accounts")
        answer.refused(405, 7001)
        assert answer.get("Allow") == "GET, HEAD", answer.get("Allow")
    server.client.ask("POST", "~/tokens/verify").refused(405, 7001)
    answer = server.client.ask("PATCH", server.space.at(KEY))
    assert sorted(answer.get("Allow").split(", ")) == ["DELETE", "GET", "HEAD", "PUT"]


@case(a_server_with_something_to_lose)
def head_is_get_without_a_body(server):
    for path in (server.space.at(KEY), "/accounts"):
        whole = server.client.ask("GET", path)
        head = server.client.ask("HEAD", path, fields={"Connection": "close"})
        assert head.status == 200 and head.body == b""
        assert head.get("Content-Length") == str(len(whole.body))


@case(a_server_with_something_to_lose)
def a_token_counts_in_its_field_alone(server):
    token = server.client.token
    nobody = Client(server, None, server.client.account)
    for query in (f"?token={token}", f"?access_token={token}", f"?Authorization=Bearer%20{token}"):
        nobody.ask("GET", "/accounts" + query).refused(401, 10000)
    nobody.ask("GET", "/accounts", fields={"Cookie": f"Authorization={token}"}).refused(401)
    nobody.ask("GET", "/accounts", fields={"X-Auth-Key": token}).refused(401)


@table(a_server_with_something_to_lose, [
    ("the good one first", 0), ("the good one last", 1)])
def two_authorization_fields_are_none(server, place):
    """Who is between us and the client may have looked at the other one."""
    pairs = [("Authorization", "Bearer x")]
    pairs.insert(place, ("Authorization", f"Bearer {server.client.token}"))
    reply = server.ask_admin("/client/v4/accounts", fields=pairs)
    assert reply.status in (400, 403), reply


@case(a_server_with_something_to_lose)
def the_scheme_is_in_any_case(server):
    nobody = Client(server, None, server.client.account)
    for scheme in ("bearer", "BEARER"):
        assert nobody.ask("GET", "/accounts", fields={
            "Authorization": f"{scheme} {server.client.token}"}).status == 200
