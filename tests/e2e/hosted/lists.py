"""Lists of pictures, by page and by token, with filters; and how many there are."""
import json

from hosted import serve
from run import case, fixture, table


@fixture
def a_server_of_many_pictures():
    with serve() as server:
        server.made = []
        for number in range(25):
            server.made.append(server.images.upload(
                id=f"picture {number}", creator=f"creator {number % 3}" if number % 3 else "",
                metadata=json.dumps({
                    "number": number, "even": number % 2 == 0, "name": f"n{number}",
                    "shop": {"shelf": {"board": number // 5}}})).result)
        yield server


@case(a_server_of_many_pictures)
def a_list_has_the_newest_first(server):
    images = server.images
    names = [f"picture {number}" for number in range(25)]
    assert images.ids() == names[::-1] == images.ids("?sort_order=desc")
    assert images.ids("?sort_order=asc") == names
    whole = images.list("?sort_order=asc").result
    assert whole == {"images": server.made, "continuation_token": None}


@table(a_server_of_many_pictures, [
    (f"{size} at once, {order}", size, order) for size in (10, 12, 25, 1000)
    for order in ("asc", "desc")])
def a_list_goes_on_with_its_token(server, size, order):
    got, token, rounds = [], "", 0
    while token is not None:
        answer = server.images.list(
            f"?per_page={size}&sort_order={order}&continuation_token={token}").result
        assert len(answer["images"]) == min(size, 25 - len(got))
        got += answer["images"]
        token = answer["continuation_token"]
        rounds += 1
    assert got == (server.made if order == "asc" else server.made[::-1])
    assert rounds == -(-25 // size)


@case(a_server_of_many_pictures)
def a_list_by_page_is_in_pages(server):
    got = []
    for page in range(1, 5):
        answer = server.images.pages(f"?page={page}&per_page=10")
        images = answer.result["images"]
        assert answer.json["result_info"] == {"page": page, "per_page": 10, "count": len(images)}
        got += images
    assert got == server.made[::-1]
    assert server.images.pages().result["images"] == got
    assert server.images.pages("?page=1000000000&per_page=100").result["images"] == []


@table(a_server_of_many_pictures, [(text, text, wanted) for text, wanted in (
    ("creator=creator 1", range(1, 25, 3)), ("creator=", range(0, 25, 3)),
    ("creator=nobody", []), ("meta.number[eq]=7", [7]), ("meta.number[eq:number]=7.0", [7]),
    ("meta.number[eq:string]=7", []), ("meta.name[eq]=n7", [7]), ("meta.name[eq:string]=n7", [7]),
    ("meta.name[eq:number]=7", []), ("meta.even[eq]=true", range(0, 25, 2)),
    ("meta.even[eq:boolean]=false", range(1, 25, 2)), ("meta.even[eq:string]=true", []),
    ("meta.name[in]=n1|n3|never", [1, 3]), ("meta.number[in:number]=1|3", [1, 3]),
    ("meta.number[gt]=22", [23, 24]), ("meta.number[gte:number]=22", [22, 23, 24]),
    ("meta.number[lt]=2", [0, 1]), ("meta.number[lte]=2", [0, 1, 2]),
    ("meta.shop.shelf.board[eq]=4", range(20, 25)), ("meta.shop.shelf[eq]=4", []),
    ("meta.shop.never.board[eq]=4", []), ("meta.name[gt]=1", []),
    ("meta.number[gte]=5&meta.number[lt]=8&meta.even[eq]=true", [6]),
    ("meta.number[gte]=5&creator=creator 2", range(5, 25, 3)),
    ("meta.number%5Bgt%5D=22", [23, 24]))])
def a_filter_leaves_what_was_asked_for(server, text, wanted):
    names = [f"picture {number}" for number in wanted]
    query = "?sort_order=asc&" + text.replace(" ", "%20")
    assert server.images.ids(query) == names
    if not text.startswith("meta"):
        pages = server.images.pages("?per_page=100&" + text.replace(" ", "%20"))
        assert [image["id"] for image in pages.result["images"]] == names[::-1]


@case(a_server_of_many_pictures)
def a_filtered_list_has_pages_too(server):
    first = server.images.list("?sort_order=asc&per_page=10&meta.even[eq]=true").result
    rest = server.images.list("?sort_order=asc&per_page=10&meta.even[eq]=true&continuation_token="
                              + first["continuation_token"]).result
    numbers = [image["meta"]["number"] for image in first["images"] + rest["images"]]
    assert numbers == list(range(0, 25, 2)) and rest["continuation_token"] is None
    pages = [server.images.pages(f"?page={page}&per_page=10&creator=").result["images"]
             for page in (1, 2)]
    assert [len(page) for page in pages] == [9, 0]


@table(a_server_of_many_pictures, [(text[:40], text, status) for text, status in (
    ("per_page=9", 400), ("per_page=10001", 400), ("per_page=x", 400), ("sort_order=up", 400),
    ("continuation_token=zz", 400), ("continuation_token=6", 400),
    ("continuation_token=" + "6e" * 3000, 400), ("sort_order=asc&continuation_token=6e00", 400),
    ("meta.a=1", 400), ("meta.a[eq=1", 400), ("meta.a[is]=1", 400), ("meta.a[eq:date]=1", 400),
    ("meta.a[eq:]=1", 400), ("meta.[eq]=1", 400), ("meta.a..b[eq]=1", 400),
    ("meta.a[gt]=x", 400), ("meta.a[gt:string]=x", 400), ("meta.a[in:boolean]=true", 400),
    ("meta.a[eq:number]=x", 400), ("meta.a[eq:boolean]=yes", 400), ("creator=a&creator=b", 400),
    ("meta.a.b.c.d.e[eq]=1", 200), ("meta.a.b.c.d.e.f[eq]=1", 413),
    ("meta.a[in]=" + "|".join("abcdefghij"), 200), ("meta.a[in]=" + "|".join("abcdefghijk"), 413),
    ("&".join(["meta.a[eq]=1"] * 5), 200), ("&".join(["meta.a[eq]=1"] * 6), 413))])
def what_cannot_be_listed_is_refused(server, text, status):
    answer = server.images.list("?" + text)
    if status != 200:
        answer.refused(status, 5413 if status == 413 else 5400)
    else:
        assert answer.result["images"] == []


@case(a_server_of_many_pictures)
def a_page_ends_by_its_bytes(server):
    made = [server.images.upload(id=f"{number:02}" + "ä" * 500).result["id"]
            for number in range(35)]  # each byte of a letter is three in a link
    variants = server.images.at(rest="/variants")
    for number in range(80):
        server.client.ask("POST", variants, {
            "id": f"{number:02}" + "v" * 97, "options": {"width": 9}}).result
    sizes, got, token = [], [], ""
    while token is not None:
        answer = server.images.list(f"?per_page=10000&continuation_token={token}")
        sizes.append(len(answer.body))
        got += answer.result["images"]
        token = answer.result["continuation_token"]
    assert len(sizes) == 2 and 7 << 20 < sizes[0] < 9 << 20, sizes
    assert [image["id"] for image in got[:35]] == made[::-1] and len(got) == 60
    assert all(len(image["variants"]) == 81 for image in got)
    server.images.pages("?per_page=100").refused(413, 5413, "per_page")
    assert server.images.pages("?per_page=10").status == 200
    for number in range(80):
        server.client.ask("DELETE", f"{variants}/{number:02}" + "v" * 97).result
    for name in made:
        server.images.remove(name).result


@case(a_server_of_many_pictures)
def pages_have_10_to_100(server):
    for size, status in ((9, 400), (10, 200), (100, 200), (101, 400)):
        assert server.images.pages(f"?per_page={size}").status == status, size
    server.images.pages("?page=0").refused(400, 5400)


@case(a_server_of_many_pictures)
def pictures_are_counted(server):
    assert server.images.stats() == {"current": 25, "allowed": 100000}
