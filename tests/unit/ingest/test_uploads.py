"""How files get in over REST: a form, or signed parts; what is refused, and that no upload reaches another pipeline."""

import base64
import hashlib
from urllib.parse import quote

import pytest
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.uploads import MAX_BYTES, part_size, read_upload_id, show_upload_id

from shared.errors import NotFound

MIB = 1024 * 1024
UPLOADS = "/v1/datasets/trips/uploads"
SHA256 = base64.b64encode(hashlib.sha256(b"x").digest()).decode()


def begin(rest, name="big file+1.csv", size_bytes=70 * MIB):
    """Begin an upload in parts and return its address and key."""
    status, begun, _ = rest("POST", UPLOADS, {"filename": name, "size_bytes": size_bytes})
    assert status == 201
    return f"{UPLOADS}/{begun['multipart']['upload_id']}", begun["key"]


def arrive(rest, address, key, *bodies):
    """Let parts arrive as S3 would take them; return them as their sender tells them."""
    stored_id = read_upload_id(address.rpartition("/")[2])
    sent = [rest.world.incoming.upload_part(key, stored_id, n, body) for n, body in enumerate(bodies, 1)]
    return [{"number": part.number, "etag": f'"{part.etag}"', "sha256": part.sha256} for part in sent]


def test_an_upload_form_is_for_one_key_and_a_stated_size(rest):
    status, form, _ = rest(
        "POST", "/v1/datasets/trips/uploads", {"filename": "my data+1.csv", "size_bytes": 10}
    )
    assert status == 201
    assert form["key"] == form["upload"]["fields"]["key"] == "incoming/trips/my data+1.csv"
    assert form["max_bytes"] == 64 * 1024 * 1024
    assert form["expires_at"] == "2026-01-01T00:05:00Z"
    assert form["multipart"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"filename": "../x.csv"}, 422),
        ({"filename": "a/b.csv"}, 422),
        ({"filename": "x.exe"}, 422),
        ({"filename": "x\n.csv"}, 422),
        ({"filename": ".."}, 422),
        ({"filename": "x.csv", "size_bytes": 5 * 1024**4 + 1}, 413),
        ({"filename": "x.csv", "size": 1}, 422),
        ({}, 422),
    ],
)
def test_a_file_that_could_never_become_a_version_gets_no_form(rest, body, status):
    assert rest("POST", "/v1/datasets/trips/uploads", body)[0] == status


def test_no_form_for_an_unknown_pipeline(rest):
    assert rest("POST", "/v1/datasets/nobody/uploads", {"filename": "x.csv"})[0] == 404


def test_a_large_file_goes_in_parts_of_one_size(rest):
    status, begun, _ = rest("POST", UPLOADS, {"filename": "a b.csv", "size_bytes": 64 * MIB + 1})
    assert (status, begun["upload"], begun["key"]) == (201, None, "incoming/trips/a b.csv")
    assert (begun["multipart"]["part_size_bytes"], begun["multipart"]["part_count"]) == (16 * MIB, 5)
    assert (begun["expires_at"], begun["max_bytes"]) == ("2026-01-08T00:00:00Z", MAX_BYTES)


@pytest.mark.parametrize("size_bytes", [64 * MIB + 1, 10**10, 160_000 * MIB, 160_000 * MIB + 1, MAX_BYTES])
def test_every_file_fits_into_ten_thousand_parts(size_bytes):
    size = part_size(size_bytes)
    assert -(-size_bytes // size) <= 10_000
    assert size % MIB == 0
    assert 16 * MIB <= size <= 5 * 1024 * MIB


def test_an_upload_in_parts_is_signed_sent_and_completed(rest):
    address, key = begin(rest)
    asked = [{"number": n, "sha256": SHA256} for n in (1, 2)]
    status, signed, _ = rest("POST", f"{address}/parts", {"filename": "big file+1.csv", "parts": asked})
    assert (status, signed["expires_at"]) == (200, "2026-01-01T00:15:00Z")
    assert [(p["number"], p["headers"]) for p in signed["parts"]] == [
        (n, {"x-amz-checksum-sha256": SHA256}) for n in (1, 2)
    ]
    assert all("expires=900" in part["url"] for part in signed["parts"])
    sent = arrive(rest, address, key, b"a" * 5 * MIB, b"b")
    body = {"filename": "big file+1.csv", "parts": sent, "size_bytes": 5 * MIB + 1}
    status, made, _ = rest("POST", f"{address}/complete", body)
    stored = rest.world.incoming.head(key)
    version = Upload(bucket="incoming", key=key, version_id=stored.version_id).version
    assert (status, made) == (200, {"key": key, "version_id": stored.version_id, "version": version})
    # The first answer may be lost on its way: the same again, and nothing else in its place.
    assert rest("POST", f"{address}/complete", body)[:2] == (200, made)
    other = [sent[1] | {"number": 1}]
    assert rest("POST", f"{address}/complete", {"filename": "big file+1.csv", "parts": other})[0] == 404


def test_an_interrupted_upload_shows_what_has_arrived(rest):
    address, key = begin(rest)
    path = f"{address}?filename={quote('big file+1.csv')}"
    assert rest("GET", path)[:2] == (200, {"key": key, "parts": []})
    (sent,) = arrive(rest, address, key, b"first")
    assert rest("GET", path)[1]["parts"] == [
        {"number": 1, "size_bytes": 5, "etag": sent["etag"].strip('"'), "sha256": sent["sha256"]}
    ]


def test_an_aborted_upload_is_gone(rest):
    address, _ = begin(rest)
    path = f"{address}?filename={quote('big file+1.csv')}"
    assert rest("DELETE", path)[0] == 204
    assert [rest(method, path)[0] for method in ("GET", "DELETE")] == [404, 404]
    assert rest.world.incoming.uploads == {}


def test_parts_that_did_not_arrive_as_told_are_a_conflict_and_the_upload_stays(rest):
    address, key = begin(rest)
    sent = arrive(rest, address, key, b"a" * 5 * MIB, b"b")
    wrong = [
        {"parts": [sent[0] | {"sha256": SHA256}, sent[1]]},
        {"parts": [sent[0] | {"etag": "0" * 32}, sent[1]]},
        {"parts": [*sent, sent[1] | {"number": 3}]},
        {"parts": sent, "size_bytes": 5 * MIB},
    ]
    for body in wrong:
        status, problem, _ = rest("POST", f"{address}/complete", {"filename": "big file+1.csv"} | body)
        assert (status, problem["title"]) == (409, "Conflict")
        assert "s3://" not in problem["detail"]
    assert rest("POST", f"{address}/complete", {"filename": "big file+1.csv", "parts": sent})[0] == 200


def test_an_upload_is_out_of_reach_under_another_pipeline_or_name(rest):
    rest.world.define("other")
    address, key = begin(rest)
    sent = arrive(rest, address, key, b"first")
    foreign = address.replace("trips", "other")
    for where, name in ((foreign, "big file+1.csv"), (address, "another.csv")):
        query = f"{where}?filename={quote(name)}"
        part = {"number": 1, "sha256": SHA256}
        assert rest("GET", query)[0] == 404
        assert rest("DELETE", query)[0] == 404
        assert rest("POST", f"{where}/parts", {"filename": name, "parts": [part]})[0] == 404
        assert rest("POST", f"{where}/complete", {"filename": name, "parts": sent})[0] == 404
    assert rest("GET", f"{address}?filename={quote('big file+1.csv')}")[0] == 200


@pytest.mark.parametrize(
    "upload_id", ["x", "AAAA", "..", "a%2Fb", "%00", "w6Q", "a" * 2000, "a=b", "%C3%A4", "-_-_-", "Zm9v"]
)
def test_an_id_that_we_never_gave_out_is_not_found(rest, upload_id):
    part = {"number": 1, "etag": "e", "sha256": SHA256}
    address = f"{UPLOADS}/{upload_id}"
    assert rest("GET", f"{address}?filename=x.csv")[0] == 404
    assert rest("DELETE", f"{address}?filename=x.csv")[0] == 404
    assert rest("POST", f"{address}/complete", {"filename": "x.csv", "parts": [part]})[0] == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"parts": []}, "/parts"),
        ({"parts": [{"number": 0, "sha256": SHA256}]}, "/parts/0/number"),
        ({"parts": [{"number": 10_001, "sha256": SHA256}]}, "/parts/0/number"),
        ({"parts": [{"number": 1, "sha256": "x" * 44}]}, "/parts/0/sha256"),
        ({"parts": [{"number": 1, "sha256": f"{SHA256}\r\nx: y"}]}, "/parts/0/sha256"),
        ({"parts": [{"number": 1}]}, "/parts/0"),
        ({"parts": [{"number": 1, "sha256": SHA256}] * 101}, "/parts"),
        ({"parts": [{"number": 1, "sha256": SHA256, "url": "x"}]}, "/parts/0"),
        ({"parts": [{"number": 1, "sha256": SHA256}], "filename": "../x.csv"}, "/filename"),
    ],
)
def test_wrong_parts_to_sign_are_refused_by_place(rest, body, pointer):
    address, _ = begin(rest)
    status, problem, _ = rest("POST", f"{address}/parts", {"filename": "big file+1.csv"} | body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("numbers", [[2], [1, 3], [2, 1], [1, 1]])
def test_a_completion_names_all_parts_in_order(rest, numbers):
    address, _ = begin(rest)
    parts = [{"number": number, "etag": "e", "sha256": SHA256} for number in numbers]
    status, problem, _ = rest("POST", f"{address}/complete", {"filename": "big file+1.csv", "parts": parts})
    assert status == 422
    assert problem["errors"][0]["pointer"].endswith("/number")


@pytest.mark.parametrize(
    "query", ["", "?filename=", "?filename=..%2Fx.csv", "?filename=x.exe", "?name=x.csv"]
)
def test_an_upload_without_its_files_name_is_refused(rest, query):
    address, _ = begin(rest)
    assert [rest(method, f"{address}{query}")[0] for method in ("GET", "DELETE")] == [400, 400]


@pytest.mark.parametrize("stored", ["upload+/=0", "a" * 128, "2~dashes_and.dots--"])
def test_an_upload_id_is_safe_in_a_path_and_comes_back(stored):
    shown = show_upload_id(stored)
    assert quote(shown, safe="") == shown
    assert read_upload_id(shown) == stored


@pytest.mark.parametrize("shown", ["AAA", "a", "w6Q=", "AAAA", ""])
def test_no_other_text_is_read_as_an_upload_id(shown):
    with pytest.raises(NotFound):
        read_upload_id(shown)
