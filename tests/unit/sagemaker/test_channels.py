"""Which objects a channel has, and what their files are called."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from localcloud.sagemaker import s3uri
from localcloud.sagemaker.errors import ClientJobError
from localcloud.sagemaker.jobs import channels

ROLE = "arn:aws:iam::000000000000:role/r"


class Bucket:
    """S3 as far as a channel needs it: keys with bodies in a bucket named b."""

    def __init__(self, **objects: str) -> None:
        self.objects = objects

    def get_paginator(self, operation):
        return self

    def paginate(self, Bucket, Prefix):  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        # Two pages, the first of them empty, as S3 may answer.
        return [{}, {"Contents": [{"Key": key} for key in keys]}]

    def get_object(self, Bucket, Key):  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key].encode())}


def source(uri: str, kind: str = "S3Prefix"):
    return {"S3DataType": kind, "S3Uri": uri}


def names(bucket, uri: str, kind: str = "S3Prefix"):
    return [found.file_name for found in channels.list_sources(bucket, source(uri, kind), ROLE, "us-east-1")]


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/", "data/a.csv", "a.csv"),
        ("data", "data/a.csv", "a.csv"),
        ("data/", "data/deep/a.csv", "deep/a.csv"),
        ("data/part", "data/part-0.csv", "part-0.csv"),
        ("data/a.csv", "data/a.csv", "a.csv"),
        ("", "a.csv", "a.csv"),
        ("a.csv", "a.csv", "a.csv"),
    ],
)
def test_a_file_is_named_by_what_follows_the_folder_of_the_prefix(prefix, key, name):
    assert s3uri.file_name_under_prefix(prefix, key) == name


def test_console_folders_are_no_files():
    assert names(Bucket(**{"data/": "", "data/a": "1"}), "s3://b/data/") == ["a"]


def test_an_empty_channel_is_told_with_url_region_and_role():
    with pytest.raises(ClientJobError) as error:
        names(Bucket(), "s3://b/data/")
    assert error.value.reason == (
        'ClientError: No S3 objects found under S3 URL "s3://b/data/" given in input data source. Please ensure that '
        "the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the "
        f'role "{ROLE}" has "s3:ListBucket" permissions on bucket "b".'
    )


def test_a_manifest_lists_objects_of_any_bucket_under_their_own_paths():
    manifest = json.dumps([{"prefix": "s3://other/in/"}, "x.csv", "y/z.csv"])
    found = channels.list_sources(Bucket(m=manifest), source("s3://b/m", "ManifestFile"), ROLE, "us-east-1")
    assert [(source.bucket, source.key, source.file_name) for source in found] == [
        ("other", "in/x.csv", "x.csv"),
        ("other", "in/y/z.csv", "y/z.csv"),
    ]


@pytest.mark.parametrize(
    "manifest", ["{", "{}", "[]", '["a"]', '[{"prefix": "/tmp"}, "a"]', '[{"prefix": "s3://b/"}, 1]']
)
def test_a_malformed_manifest_is_the_callers_fault(manifest):
    with pytest.raises(ClientJobError, match=r"Invalid manifest file s3://b/m"):
        names(Bucket(m=manifest), "s3://b/m", "ManifestFile")


def test_no_key_leaves_its_channel():
    manifest = json.dumps([{"prefix": "s3://b/"}, "../../model/x"])
    with pytest.raises(ClientJobError, match="does not name a file inside the channel"):
        names(Bucket(m=manifest), "s3://b/m", "ManifestFile")


def test_a_denied_listing_is_the_callers_fault():
    class Denied(Bucket):
        def paginate(self, Bucket, Prefix):  # noqa: N803
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")

    with pytest.raises(ClientJobError, match="AccessDenied"):
        names(Denied(), "s3://b/data/")
