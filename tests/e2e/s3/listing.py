"""Keys, uploads and parts, a page at a time."""
import concurrent.futures
import random
import urllib.parse

from boto import a_server_with_buckets, part_list, refused
from run import case, table

SEED = 7


def put_all(place, keys):
    bucket = place.bucket()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda key: place.s3.put_object(Bucket=bucket, Key=key,
                                                          Body=key.encode()), keys):
            pass
    return bucket


def in_order(keys):
    return sorted(keys, key=str.encode)


def model(keys, prefix="", delimiter="", after="", count=1000):
    """What a listing tells: keys, groups, whether there is more, and the last of them."""
    told = []
    for key in in_order(keys):
        if not key.startswith(prefix):
            continue
        place = key.find(delimiter, len(prefix)) if delimiter else -1
        item = (key, False) if place < 0 else (key[:place + len(delimiter)], True)
        # A group that the marker lies in is over.
        if item[0].encode() <= after.encode() or (item[1] and after.startswith(item[0])):
            continue
        if item not in told:
            told.append(item)
    page = told[:count]
    return ([name for name, group in page if not group], [name for name, group in page if group],
            bool(count) and len(told) > count, page[-1][0] if page else "")


def told(answer):
    return ([item["Key"] for item in answer.get("Contents", [])],
            [item["Prefix"] for item in answer.get("CommonPrefixes", [])], answer["IsTruncated"])


# --- keys ---

@case(a_server_with_buckets)
def an_empty_bucket_has_no_keys(place):
    bucket = place.bucket()
    for answer in place.s3.list_objects(Bucket=bucket), place.s3.list_objects_v2(Bucket=bucket):
        assert told(answer) == ([], [], False), answer
        assert answer["Name"] == bucket and answer["MaxKeys"] == 1000, answer


@case(a_server_with_buckets)
def what_is_told_of_a_key_is_true(place):
    bucket = place.bucket()
    head = place.s3.put_object(Bucket=bucket, Key="k", Body=b"12345", ChecksumAlgorithm="SHA256")
    item = place.s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    found = place.s3.head_object(Bucket=bucket, Key="k")
    assert item["ETag"] == head["ETag"] and item["Size"] == 5, item
    assert item["LastModified"].replace(microsecond=0) == found["LastModified"], item
    assert item["StorageClass"] == "STANDARD" and item["ChecksumAlgorithm"] == ["SHA256"], item


@case(a_server_with_buckets)
def the_owner_is_told_by_version_1_and_to_who_asks(place):
    bucket = put_all(place, ["k"])
    owner = {"ID": place.account, "DisplayName": place.account}
    assert place.s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"] == owner
    assert "Owner" not in place.s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    answer = place.s3.list_objects_v2(Bucket=bucket, FetchOwner=True)
    assert answer["Contents"][0]["Owner"] == owner, answer


@case(a_server_with_buckets)
def keys_come_back_as_they_were(place):
    keys = ["a b", "a+b", "a%20b", "ä/ö", "\U0001f600", "<&>\"'", "a\nb", "a\rb", "a\tb", "//", "/a",
            "..", "a/../b", "a?b#c", "\x7f", "\x01"]
    bucket = put_all(place, keys)
    assert told(place.s3.list_objects_v2(Bucket=bucket))[0] == in_order(keys)
    assert told(place.s3.list_objects(Bucket=bucket))[0] == in_order(keys)


@case(a_server_with_buckets)
def the_encoding_is_told_and_holds_for_all_names(place):
    bucket = put_all(place, ["a b/c d", "a b+"])
    answer = place.raw("GET", f"/{bucket}", **{"encoding-type": "url", "prefix": "a b",
                                               "delimiter": " d", "marker": "a "})
    assert answer.text("EncodingType") == "url", answer
    assert answer.text("Prefix") == "a%20b" and answer.text("Delimiter") == "%20d", answer
    assert answer.text("Marker") == "a%20", answer
    assert answer.texts("Contents/Key") == ["a%20b%2B"], answer
    assert answer.texts("CommonPrefixes/Prefix") == ["a%20b/c%20d"], answer
    answer = place.raw("GET", f"/{bucket}", **{"list-type": 2, "encoding-type": "url",
                                               "start-after": "a a"})
    assert answer.text("StartAfter") == "a%20a", answer
    assert place.raw("GET", f"/{bucket}", **{"encoding-type": "other"}).code == "InvalidArgument"


@case(a_server_with_buckets)
def without_encoding_xml_carries_what_it_can(place):
    bucket = put_all(place, ["a&<b>"])
    answer = place.raw("GET", f"/{bucket}", **{"list-type": 2})
    assert answer.texts("Contents/Key") == ["a&<b>"] and answer.text("EncodingType") is None


@case(a_server_with_buckets)
def pages_are_all_keys_once(place):
    keys = [f"{number:03}" for number in range(50)]
    bucket = put_all(place, keys)
    for size in 1, 7, 49, 50, 51:
        for name in "list_objects", "list_objects_v2":
            pages = list(place.s3.get_paginator(name).paginate(
                Bucket=bucket, PaginationConfig={"PageSize": size}))
            found = [item["Key"] for page in pages for item in page.get("Contents", [])]
            assert found == keys, (name, size, found)
            assert len(pages) == max(1, -(-len(keys) // size)), (name, size, len(pages))


@case(a_server_with_buckets)
def a_page_has_1000_keys_at_most(place):
    keys = [f"{number:04}" for number in range(1003)]
    bucket = put_all(place, keys)
    for more in {}, {"MaxKeys": 1000}, {"MaxKeys": 5000}:
        answer = place.s3.list_objects_v2(Bucket=bucket, **more)
        assert told(answer) == (keys[:1000], [], True), (more, answer["KeyCount"])
        assert answer["MaxKeys"] == 1000 and answer["KeyCount"] == 1000, more
    rest = place.s3.list_objects_v2(
        Bucket=bucket, ContinuationToken=answer["NextContinuationToken"])
    assert told(rest) == (keys[1000:], [], False), rest
    # The group counts as one, however large it is.
    grouped = put_all(place, ["a/" + key for key in keys] + ["b"])
    answer = place.s3.list_objects_v2(Bucket=grouped, Delimiter="/", MaxKeys=2)
    assert told(answer) == (["b"], ["a/"], False) and answer["KeyCount"] == 2, answer


@case(a_server_with_buckets)
def any_listing_is_what_the_model_says(place):
    """Random keys, prefixes, delimiters and markers, by both versions."""
    chance = random.Random(SEED)

    def word(longest):
        return "".join(chance.choice("ab/-é") for _ in range(chance.randint(0, longest)))

    keys = {word(6) or "a" for _ in range(80)} - {"."}
    bucket = put_all(place, keys)
    for number in range(200):
        prefix, after = word(2), word(4)
        delimiter = chance.choice(["", "", "/", "/", "-", "ab", "é"])
        count = chance.choice([0, 1, 2, 5, 1000])
        *expected, last = model(keys, prefix, delimiter, after, count)
        about = f"seed {SEED}, {number}: {prefix!r} {delimiter!r} {after!r} {count}"
        asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, "MaxKeys": count}
        first = place.s3.list_objects(Marker=after, **asked)
        assert told(first) == tuple(expected), (about, first)
        assert first.get("NextMarker") == (last if expected[2] and delimiter else None), about
        second = place.s3.list_objects_v2(StartAfter=after, **asked)
        assert told(second) == tuple(expected), (about, second)
        assert second["KeyCount"] == len(expected[0]) + len(expected[1]), about
        if not expected[2]:
            assert "NextContinuationToken" not in second, about
            continue
        token = second["NextContinuationToken"]
        third = place.s3.list_objects_v2(StartAfter="b", ContinuationToken=token, **asked)
        assert told(third) == model(keys, prefix, delimiter, last, count)[:3], (about, third)
        assert third["ContinuationToken"] == token and third["StartAfter"] == "b", about


@case(a_server_with_buckets)
def a_marker_in_a_group_is_behind_all_of_it(place):
    bucket = put_all(place, ["a/1", "a/2", "a/3", "b"])
    for after in "a/", "a/2", "a/3", "a/9":
        answer = place.s3.list_objects(Bucket=bucket, Delimiter="/", Marker=after)
        assert told(answer) == (["b"], [], False), (after, answer)
    answer = place.s3.list_objects_v2(Bucket=bucket, Delimiter="/", StartAfter="a")
    assert told(answer) == (["b"], ["a/"], False), answer
    answer = place.s3.list_objects_v2(Bucket=bucket, StartAfter="a/2")
    assert told(answer) == (["a/3", "b"], [], False), answer


@table(a_server_with_buckets, [
    ("max-keys that is no number", {"max-keys": "x"}, "InvalidArgument"),
    ("max-keys below nothing", {"max-keys": "-1"}, "InvalidArgument"),
    ("max-keys past all bounds", {"max-keys": "2147483648"}, "InvalidArgument"),
    ("a prefix that is too long", {"prefix": "p" * 1025}, "KeyTooLongError"),
    ("a marker that is too long", {"marker": "p" * 1025}, "KeyTooLongError"),
    ("a delimiter that is too long", {"delimiter": "p" * 1025}, "InvalidArgument"),
    ("a token that is none", {"list-type": 2, "continuation-token": "xyz"}, "InvalidArgument"),
    ("a token of odd length", {"list-type": 2, "continuation-token": "abc"}, "InvalidArgument"),
    ("a token that is too long", {"list-type": 2, "continuation-token": "61" * 1025},
     "InvalidArgument"),
])
def a_listing_is_refused_for(place, params, code):
    bucket = place.bucket()
    answer = place.raw("GET", f"/{bucket}", **params)
    assert (answer.status, answer.code) == (400, code), answer


@case(a_server_with_buckets)
def who_may_see_a_prefix_lists_with_it(place):
    bucket = put_all(place, ["a/1", "b/1"])
    key = place.key_of(bucket)
    assert told(key.s3.list_objects_v2(Bucket=bucket))[0] == ["a/1", "b/1"]
    other = place.bucket()
    refused("AccessDenied", 403, key.s3.list_objects_v2, Bucket=other)
    refused("AccessDenied", 403, key.s3.list_objects, Bucket=other)
    refused("AccessDenied", 403, key.s3.list_multipart_uploads, Bucket=other)


# --- uploads ---

def begin(place, bucket, *keys):
    """Uploads of these keys; (key, id) in their order."""
    found = [(key, place.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])
             for key in keys]
    return sorted(found, key=lambda pair: (pair[0].encode(), pair[1]))


def uploads_of(answer):
    return [(item["Key"], item["UploadId"]) for item in answer.get("Uploads", [])]


@case(a_server_with_buckets)
def uploads_are_told_with_all_that_is_known(place):
    bucket = place.bucket()
    begun = place.s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32")
    assert begun["ChecksumAlgorithm"] == "CRC32", begun
    assert (begun["Bucket"], begun["Key"]) == (bucket, "k"), begun
    item = place.s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]
    assert (item["Key"], item["UploadId"]) == ("k", begun["UploadId"]), item
    assert item["ChecksumAlgorithm"] == "CRC32" and item["StorageClass"] == "STANDARD", item
    assert item["Owner"]["ID"] == item["Initiator"]["ID"] == place.account, item


@case(a_server_with_buckets)
def pages_are_all_uploads_once(place):
    bucket = place.bucket()
    begun = begin(place, bucket, *["a", "a", "a", "a/b", "b", "b", "ü"])
    for size in 1, 2, 3, 7, 8:
        found, more = [], {}
        while True:
            answer = place.s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **more)
            found += uploads_of(answer)
            assert len(uploads_of(answer)) <= size and answer["MaxUploads"] == size, answer
            if not answer["IsTruncated"]:
                break
            more = {"KeyMarker": answer["NextKeyMarker"],
                    "UploadIdMarker": answer["NextUploadIdMarker"]}
        assert found == begun, (size, found)
    answer = place.s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")
    assert uploads_of(answer) == begun[3:], answer
    answer = place.s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker=begun[0][1])
    assert uploads_of(answer) == begun, "without a key it means nothing"
    refused("InvalidArgument", 400, place.s3.list_multipart_uploads, Bucket=bucket, KeyMarker="a",
            UploadIdMarker="x")


@case(a_server_with_buckets)
def uploads_are_grouped_by_their_keys_only(place):
    bucket = place.bucket()
    begun = begin(place, bucket, "x/1", "x/1", "x/2", "y", "z/z")
    answer = place.s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    groups = [item["Prefix"] for item in answer["CommonPrefixes"]]
    assert groups == ["x/", "z/"] and uploads_of(answer) == [begun[3]], answer
    found, more = [], {}
    while True:
        answer = place.s3.list_multipart_uploads(
            Bucket=bucket, Delimiter="/", MaxUploads=1, **more)
        found += [item["Prefix"] for item in answer.get("CommonPrefixes", [])]
        found += [key for key, _ in uploads_of(answer)]
        if not answer["IsTruncated"]:
            break
        more = {"KeyMarker": answer["NextKeyMarker"],
                "UploadIdMarker": answer["NextUploadIdMarker"]}
    assert found == ["x/", "y", "z/"], found
    answer = place.s3.list_multipart_uploads(Bucket=bucket, Prefix="x/")
    assert uploads_of(answer) == begun[:3] and answer["Prefix"] == "x/", answer
    # Digits of ids are no delimiters.
    for digit in "0123456789abcdef":
        answer = place.s3.list_multipart_uploads(Bucket=bucket, Delimiter=digit, Prefix="y")
        assert uploads_of(answer) == [begun[3]] and "CommonPrefixes" not in answer, answer


# --- parts ---

@case(a_server_with_buckets)
def pages_are_all_parts_once(place):
    bucket = place.bucket()
    upload = {"Bucket": bucket, "Key": "k", "UploadId":
              place.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    etags = {number: place.s3.upload_part(PartNumber=number, Body=b"x" * number, **upload)["ETag"]
             for number in (7, 1, 10000, 256, 2)}
    for size in 1, 2, 4, 5, 6:
        found, marker = [], 0
        while True:
            answer = place.s3.list_parts(PartNumberMarker=marker, MaxParts=size, **upload)
            found += answer.get("Parts", [])
            assert len(answer["Parts"]) <= size and answer["PartNumberMarker"] == marker, answer
            if not answer["IsTruncated"]:
                break
            marker = answer["NextPartNumberMarker"]
        assert [(part["PartNumber"], part["Size"]) for part in found] == [
            (number, number) for number in sorted(etags)], (size, found)
        assert all(part["ETag"] == etags[part["PartNumber"]] for part in found), found
    assert answer["UploadId"] == upload["UploadId"] and answer["Owner"]["ID"] == place.account
    last = place.s3.list_parts(PartNumberMarker=10000, **upload)
    assert "Parts" not in last and not last["IsTruncated"], last


@case(a_server_with_buckets)
def parts_are_of_an_upload_that_is_there(place):
    bucket = place.bucket()
    begun = place.s3.create_multipart_upload(Bucket=bucket, Key="k")
    for upload in "0" * 32, "x", begun["UploadId"][:31] + "/", begun["UploadId"].upper() + "0":
        refused("NoSuchUpload", 404, place.s3.list_parts, Bucket=bucket, Key="k", UploadId=upload)
    refused("NoSuchUpload", 404, place.s3.list_parts, Bucket=bucket, Key="other",
            UploadId=begun["UploadId"])
    part = place.s3.upload_part(Bucket=bucket, Key="k", UploadId=begun["UploadId"], PartNumber=1,
                                Body=b"x")
    place.s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=begun["UploadId"],
                                       MultipartUpload=part_list(part))
    refused("NoSuchUpload", 404, place.s3.list_parts, Bucket=bucket, Key="k",
            UploadId=begun["UploadId"])
    raw = place.raw("GET", "/" + urllib.parse.quote(bucket) + "/k", uploadId=begun["UploadId"],
                    **{"max-parts": "x"})
    assert raw.code == "InvalidArgument", raw


@case(a_server_with_buckets)
def who_may_see_some_of_a_bucket_lists_that(place):
    bucket = put_all(place, ["a/1", "a/2/3", "b/1"])
    begun = begin(place, bucket, "a/1", "b/1")
    s3 = place.key_of(bucket, prefix="a/").s3
    assert told(s3.list_objects_v2(Bucket=bucket, Prefix="a/"))[0] == ["a/1", "a/2/3"]
    assert told(s3.list_objects(Bucket=bucket, Prefix="a/2", Delimiter="/"))[1] == ["a/2/"]
    assert uploads_of(s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")) == [begun[0]]
    for prefix in "", "a", "b/":
        for ask in s3.list_objects, s3.list_objects_v2, s3.list_multipart_uploads:
            refused("AccessDenied", 403, ask, Bucket=bucket, Prefix=prefix)
    s3.list_parts(Bucket=bucket, Key="a/1", UploadId=begun[0][1])
    refused("AccessDenied", 403, s3.list_parts, Bucket=bucket, Key="b/1", UploadId=begun[1][1])
