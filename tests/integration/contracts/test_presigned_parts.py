"""A part sent to its signed address is checked by S3 itself; moto and the fake serve no addresses."""

import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.control import Running
from shared.objects import Bucket, PartInfo, PresignedPart
from shared.objects.facts import sha256_of
from tests import clouds
from tests.clouds import CREDENTIALS

KEY = "incoming/flights/a b+ü.csv"


@pytest.fixture
def s3(local_cloud: Running) -> Any:
    """A client of the local cloud that signs as the services' do."""
    return boto3.client(
        "s3",
        endpoint_url=local_cloud.url,
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )


@pytest.fixture
def local_bucket(s3: Any, local_cloud: Running) -> Bucket:
    """An empty bucket of the local cloud."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return Bucket(clouds.s3(local_cloud.url), name)


def put(part: PresignedPart, body: bytes) -> tuple[int, str]:
    """PUT *body* to the address of *part*; return the status and the ETag or S3's error."""
    request = urllib.request.Request(part.url, data=body, method="PUT", headers=part.headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_part_that_arrives_as_it_was_is_kept_and_a_damaged_one_is_not(local_bucket: Bucket) -> None:
    upload_id = local_bucket.begin_multipart(KEY)
    part = local_bucket.presign_part(KEY, upload_id, 1, sha256=sha256_of(b"as it was"), expires_s=60)
    status, said = put(part, b"as it is")
    assert (status, "BadDigest" in said) == (400, True)
    assert local_bucket.list_parts(KEY, upload_id) == ()
    status, etag = put(part, b"as it was")
    assert status == 200
    sent = PartInfo(number=1, etag=etag.strip('"'), sha256=sha256_of(b"as it was"), size_bytes=9)
    assert local_bucket.list_parts(KEY, upload_id) == (sent,)


def test_the_address_is_good_for_no_other_bytes(local_bucket: Bucket) -> None:
    upload_id = local_bucket.begin_multipart(KEY)
    part = local_bucket.presign_part(KEY, upload_id, 1, sha256=sha256_of(b"x"), expires_s=60)
    for headers in ({}, {"x-amz-checksum-sha256": sha256_of(b"y")}):
        status, said = put(PresignedPart(url=part.url, headers=headers), b"y")
        assert (status, "SignatureDoesNotMatch" in said) == (403, True)
    assert local_bucket.list_parts(KEY, upload_id) == ()


def test_a_part_without_the_checksum_its_upload_asks_for_is_refused(s3: Any, local_bucket: Bucket) -> None:
    where = {"Bucket": local_bucket.name, "Key": KEY, "UploadId": local_bucket.begin_multipart(KEY)}
    with pytest.raises(ClientError, match="expected checksum Type: sha256"):
        s3.upload_part(**where, PartNumber=1, Body=b"x")
    part = s3.upload_part(**where, PartNumber=1, Body=b"x", ChecksumSHA256=sha256_of(b"x"))
    listed = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="must include the checksum for each part"):
        s3.complete_multipart_upload(**where, MultipartUpload=listed)


def test_an_object_can_be_read_at_its_signed_address_and_no_other(local_bucket: Bucket) -> None:
    local_bucket.write(KEY, b"mine")
    url = local_bucket.presign_get(KEY, expires_s=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"mine"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("Expires=60", "Expires=600"))
