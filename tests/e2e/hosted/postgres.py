"""The same with its rows in PostgreSQL."""
from database import postgres
from hosted import PICTURE, once, serve, tidy
from pictures import photo
from run import case, fixture

LARGE = photo(320, 200)


@fixture
def a_server_with_postgresql():
    with postgres() as (url, _), serve(store={"maps": url}) as server:
        yield server


@case(a_server_with_postgresql)
def pictures_live_in_postgresql(server):
    images = server.images
    names = [f"shop/{number}" for number in range(25)]
    for number, name in enumerate(names):
        images.upload(id=name, metadata=f'{{"number": {number}}}').result
    assert images.ids("?sort_order=asc") == names and images.ids() == names[::-1]
    first = images.list("?sort_order=asc&per_page=10").result
    rest = images.ids("?sort_order=asc&continuation_token=" + first["continuation_token"])
    assert [image["id"] for image in first["images"]] + rest == names
    assert images.ids("?meta.number[gte]=23") == names[:22:-1]
    images.upload(id=names[0]).refused(409, 5409)
    assert images.edit(names[0], creator="ada").result["creator"] == "ada"
    assert images.blob(names[0]).body == PICTURE
    for name in names:
        images.remove(name).result
    images.is_gone(names[0])
    tidy(server)


@case(a_server_with_postgresql)
def drafts_variants_and_keys_live_there_too(server):
    images, ask = server.images, server.client.ask
    draft = images.draft().result
    assert once(server, draft["uploadURL"], LARGE).result["id"] == draft["id"]
    once(server, draft["uploadURL"]).refused(403, 5403)
    assert images.blob(draft["id"]).body == LARGE
    ask("POST", images.at(rest="/variants"), {"id": "hero", "options": {"width": 5}}).result
    assert len(images.get(draft["id"]).result["variants"]) == 2
    assert len(ask("PUT", images.at(rest="/keys/second")).result["keys"]) == 2
    token = ask("GET", images.at(rest="/batch_token")).result["token"]
    answer = server.ask_admin(f"/client/v4/images/v1/{draft['id']}", fields={
        "Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer
