"""`selvedge token`: beside a server that runs, and before there is one."""
import hashlib
import re

from account import GROUPS, Client, serve
from run import case, fixture, table
from selvedge import Server, command

SHOWN = re.compile(r"token      ([0-9a-f]{32})\nvalue      (slv_\1_[0-9A-Za-z]{46})\n"
                   r"S3 key id  \1\nS3 secret  ([0-9a-f]{64})\n.+not shown again\.\n")


@fixture
def a_server_beside_which_commands_run():
    with serve() as server:
        yield server


def token(server, *words, status=0):
    done = command("token", *words, "--config", str(server.folder / "selvedge.yaml"))
    assert done.returncode == status, done
    return done.stdout if status == 0 else done.stderr


def made(text):
    """Id, value and secret, as they were shown."""
    shown = SHOWN.fullmatch(text)
    assert shown and shown[3] == hashlib.sha256(shown[2].encode()).hexdigest(), text
    return shown.groups()


def verified(server, value):
    return Client(server, value, server.client.account).ask("GET", "/user/tokens/verify")


def rows(server):
    lines = token(server, "list").splitlines()
    assert lines[0].split() == ["ID", "STATUS", "EXPIRES", "LAST", "USED", "NAME"], lines
    return {line[:32]: line[34:].split(maxsplit=3) for line in lines[1:]}


@case(a_server_beside_which_commands_run)
def a_token_that_is_made_works_at_once(server):
    id_, value, _ = made(token(server, "create", "--name", "recovered"))
    assert verified(server, value).result["id"] == id_
    record = server.client.ask("GET", f"~/tokens/{id_}").result
    assert record["name"] == "recovered" and "expires_on" not in record
    assert {group["id"] for group in record["policies"][0]["permission_groups"]} == set(
        GROUPS.values())
    assert rows(server)[id_][:2] == ["active", "never"]


@case(a_server_beside_which_commands_run)
def a_token_may_do_what_it_is_allowed(server):
    id_, value, _ = made(token(
        server, "create", "--name=limited", "--for=600", "--allow", "Workers KV Storage Read",
        "--allow", GROUPS["Workers R2 Storage Bucket Item Write"] + ":pictures/a/b",
        "--allow", "Workers R2 Storage Bucket Item Read:films"))
    record = server.client.ask("GET", f"~/tokens/{id_}").result
    account = server.client.account
    bucket = f"com.cloudflare.edge.r2.bucket.{account}_default_"
    assert [policy["resources"] for policy in record["policies"]] == [
        {f"com.cloudflare.api.account.{account}": "*"}, {bucket + "pictures": {"a/b*": "*"}},
        {bucket + "films": "*"}]
    assert record["expires_on"] > record["issued_on"]
    space = server.client.space("commands").by(server.client.client(value))
    assert space.names() == []
    space.put("a", b"1").refused(403, 9109)


@case(a_server_beside_which_commands_run)
def a_token_is_changed_at_once(server):
    id_, value, _ = made(token(server, "create", "--name", "changed"))
    assert verified(server, value).status == 200
    assert token(server, "disable", id_) == ""
    verified(server, value).refused(403, 10000)
    assert rows(server)[id_][0] == "disabled"
    assert token(server, "enable", id_) == ""
    assert verified(server, value).status == 200
    again, other, _ = made(token(server, "roll", id_))
    assert again == id_ and other != value
    verified(server, value).refused(403, 10000)
    assert verified(server, other).status == 200
    assert token(server, "delete", id_) == ""
    verified(server, other).refused(403, 10000)
    assert id_ not in rows(server)
    for deed in ("roll", "disable", "enable", "delete"):
        assert "no such token" in token(server, deed, id_, status=1)


@case(a_server_beside_which_commands_run)
def before_the_first_start_there_is_no_account_and_create_makes_one(_):
    server = Server({"sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {"root": "."}}]}]})
    server.configure()
    for words in (["list"], ["delete", "0" * 32]):
        assert "there is no account" in token(server, *words, status=1)
    done = command("token", "create", "--name", "own", "--config",
                   str(server.folder / "selvedge.yaml"))
    first = re.fullmatch(r"selvedge: account ([0-9a-f]{32}); its first API token, shown only now: "
                         r"(slv_\w+)\n", done.stderr)
    assert done.returncode == 0 and first, done
    _, value, _ = made(done.stdout)
    assert [row[3] for row in sorted(rows(server).values(), key=lambda row: row[3])] == [
        "first", "own"]
    with server:
        for one in (first[2], value):
            assert Client(server, one, first[1]).ask("GET", "~").status == 200
        assert "first API token" not in server.errors()


@table(a_server_beside_which_commands_run, [
    ("nothing", [], 2, "say create"), ("another deed", ["lose"], 2, "say create"),
    ("no name", ["create"], 2, "--name"), ("no id", ["roll"], 2, "which token"),
    ("half an id", ["roll", "abc"], 2, "which token"),
    ("two ids", ["roll", "0" * 32, "1" * 32], 2, "not understood"),
    ("a name to roll", ["roll", "--name", "x"], 2, "not understood"),
    ("a word to list", ["list", "all"], 2, "not understood"),
    ("21 rights", ["create", "--name", "x", *["--allow=a"] * 21], 2, "20 times"),
    ("no right", ["create", "--name", "x", "--allow", "All of them"], 1, "permission group"),
    ("KV of a bucket", ["create", "--name", "x", "--allow", "Workers KV Storage Read:b"], 1,
     "of an account"),
    ("a long name", ["create", "--name", "x" * 121], 1, "name"),
    ("no UTF-8", ["create", "--name", b"\xff"], 1, "name"),
    ("no time", ["create", "--name", "x", "--for", "0"], 1, "--for"),
    ("a word for a time", ["create", "--name", "x", "--for", "ever"], 1, "--for"),
])
def words_that_are_wrong_change_nothing(server, words, status, part):
    before = rows(server)
    assert part in token(server, *words, status=status)
    assert rows(server) == before


@case(a_server_beside_which_commands_run)
def a_configuration_that_is_wrong_is_told(server):
    path = server.folder / "wrong.yaml"
    path.write_text("sites: 5\n")
    done = command("token", "list", "--config", str(path))
    assert done.returncode == 1 and "wrong.yaml:1" in done.stderr, done
    done = command("token", "list", "--config", str(server.folder / "none.yaml"))
    assert done.returncode == 1 and "none.yaml" in done.stderr, done


@case(a_server_beside_which_commands_run)
def every_call_is_listed_with_what_it_needs(_):
    text = command("help", "api").stdout
    assert re.search(r"^PUT +/accounts/:/storage/kv/namespaces/:/values/\* +"
                     r"Workers KV Storage Write$", text, re.M)
    assert re.search(r"^POST +/accounts/:/tokens +Account API Tokens Write$", text, re.M)
    needs = set(re.findall(r"^[A-Z]+ +/\S+ +(.+)$", text, re.M))
    assert re.search(r"^POST +/upload/: +a secret in its path$", text, re.M)
    assert needs <= {*GROUPS, "any token", "a token of its own", "a secret in its path"}, needs
