"""Where upload forms and parts point to on AWS, and on the local cloud."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.aws import s3
from shared.objects import Bucket, PresignedPart


def signing_bucket(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Bucket:
    """Return a bucket whose client was made in this environment."""
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, **environ}.items():
        monkeypatch.setenv(name, value)
    return Bucket(s3.__wrapped__(), "headrace-dev-1-incoming")


def form(monkeypatch: pytest.MonkeyPatch, **environ: str) -> dict[str, Any]:
    """Return a form for a bucket, signed in this environment."""
    bucket = signing_bucket(monkeypatch, **environ)
    return bucket.presign_post("incoming/a/b", max_bytes=9, expires_s=60)


def part(monkeypatch: pytest.MonkeyPatch, **environ: str) -> PresignedPart:
    """Return the address of a part, signed in this environment."""
    bucket = signing_bucket(monkeypatch, **environ)
    return bucket.presign_part("incoming/a/b c+.csv", "u/+=", 7, sha256="x", expires_s=60)


def test_a_form_names_the_host_of_the_buckets_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    # The global host answers for a new bucket of another region with a redirect, which a form cannot follow.
    url = form(monkeypatch, AWS_DEFAULT_REGION="eu-west-1")["url"]
    assert urlsplit(url).netloc == "headrace-dev-1-incoming.s3.eu-west-1.amazonaws.com"


def test_on_the_local_cloud_a_form_stays_at_the_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    local = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:4577"}
    assert form(monkeypatch, **local)["url"] == "http://127.0.0.1:4577/headrace-dev-1-incoming"


def test_a_part_is_signed_for_its_host_its_number_and_its_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = part(monkeypatch, AWS_DEFAULT_REGION="eu-west-1")
    address, query = urlsplit(signed.url), parse_qs(urlsplit(signed.url).query)
    assert address.netloc == "headrace-dev-1-incoming.s3.eu-west-1.amazonaws.com"
    assert address.path == "/incoming/a/b%20c%2B.csv"
    assert (query["uploadId"], query["partNumber"], query["X-Amz-Expires"]) == (["u/+="], ["7"], ["60"])
    # Signed, so that S3 takes the part with this header and these bytes, or not at all.
    assert query["X-Amz-SignedHeaders"] == ["host;x-amz-checksum-sha256"]
    assert signed.headers == {"x-amz-checksum-sha256": "x"}


def test_on_the_local_cloud_a_part_stays_at_the_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    local = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:4577"}
    assert part(monkeypatch, **local).url.startswith(
        "http://127.0.0.1:4577/headrace-dev-1-incoming/incoming/a/"
    )
