"""Objects that are put only if what is there is as the client knows it."""
import threading

from boto import a_server_with_buckets
from run import case, table

DAY = "Thu, 01 Jan 2026 00:00:00 GMT"
LATER = "Thu, 01 Jan 2099 00:00:00 GMT"


@table(a_server_with_buckets, [
    ("match", {"if-match": "{}"}, 200), ("no match", {"if-match": '"x"'}, 412),
    ("any", {"if-match": "*"}, 200), ("one of two", {"if-match": '"x", {}'}, 200),
    ("none match", {"if-none-match": '"x"'}, 200), ("it matches", {"if-none-match": "{}"}, 412),
    ("nothing there", {"if-none-match": "*"}, 412),
    ("modified since", {"if-modified-since": DAY}, 200),
    ("not modified since", {"if-modified-since": "{now}"}, 412),
    ("unmodified since", {"if-unmodified-since": LATER}, 200),
    ("not unmodified since", {"if-unmodified-since": DAY}, 412),
])
def an_object_is_replaced_if(place, conditions, status):
    bucket = place.bucket()
    etag = place.s3.put_object(Bucket=bucket, Key="k", Body=b"old")["ETag"]
    now = place.raw("HEAD", f"/{bucket}/k").get("Last-Modified")
    for body in b"new", b"n" * 70000:
        etag = place.s3.head_object(Bucket=bucket, Key="k")["ETag"]
        before = place.s3.get_object(Bucket=bucket, Key="k")["Body"].read()
        answer = place.raw("PUT", f"/{bucket}/k", {
            name: value.format(etag, now=now) for name, value in conditions.items()}, body)
        assert answer.status == status, answer
        assert status == 200 or answer.code == "PreconditionFailed", answer
        after = place.s3.get_object(Bucket=bucket, Key="k")["Body"].read()
        assert after == (body if status == 200 else before)


@case(a_server_with_buckets)
def what_is_not_there_matches_nothing(place):
    bucket = place.bucket()
    for value in '"x"', "*":
        answer = place.raw("PUT", f"/{bucket}/k", {"if-match": value}, b"x")
        assert (answer.status, answer.code) == (404, "NoSuchKey"), answer
    assert place.raw("PUT", f"/{bucket}/k", {"if-none-match": "*"}, b"x").status == 200


@case(a_server_with_buckets)
def of_many_that_want_to_be_first_one_is(place):
    for turn, condition in enumerate([{"if-none-match": "*"}, {"if-match": None}] * 4):
        bucket = place.bucket()
        blobs = place.blobs()
        if "if-match" in condition:
            condition = {"if-match": place.s3.put_object(
                Bucket=bucket, Key="k", Body=b"old")["ETag"]}
        size = 10 if turn % 4 < 2 else 70000  # in its row, and as a blob
        statuses = {}

        def put(number, fields=tuple(condition.items()), bucket=bucket, size=size,
                statuses=statuses):
            answer = place.raw("PUT", f"/{bucket}/k", fields, bytes([number]) * size)
            statuses[number] = answer.status

        threads = [threading.Thread(target=put, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [number for number, status in statuses.items() if status == 200]
        assert len(winners) == 1, statuses
        assert set(statuses.values()) <= {200, 409, 412}, statuses
        found = place.s3.get_object(Bucket=bucket, Key="k")["Body"].read()
        assert found == bytes(winners) * size, (winners, found[:1])
        place.blobs_are(blobs + (size > 65536))  # those that lost left nothing
