"""A job's input: the objects an S3 source stands for, and their download to files under /opt/ml."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import s3uri
from localcloud.sagemaker.errors import ClientJobError
from localcloud.sagemaker.store import Row


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One object to download and the file it becomes, relative to the input's folder."""

    bucket: str
    key: str
    file_name: str


def list_sources(s3: Any, data: Row, role_arn: str, region: str) -> list[Source]:
    """Return every object of an S3 source: a channel's S3DataSource or a processing job's S3Input.

    ShardedByS3Key equals FullyReplicated here, because a local job has one instance.

    Raises
    ------
    ClientJobError
        The source is empty, a manifest is malformed, or the role may not list or read it.
    """
    uri = data["S3Uri"]
    try:
        if data["S3DataType"] == "ManifestFile":
            sources = _manifest_sources(s3, uri)
        else:
            sources = _prefix_sources(s3, uri)
    except (ClientError, BotoCoreError) as error:
        raise ClientJobError(
            f"Data download failed:Failed to download data. Cannot list {uri}: {error}"
        ) from error
    if not sources:
        raise ClientJobError(_nothing_found(uri, role_arn, region))
    return sources


def download(s3: Any, sources: list[Source], folder: Path, is_stopped: Callable[[], bool]) -> None:
    """Fetch the objects one by one; ends early when the job was stopped meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if is_stopped():
            return
        target = folder / source.file_name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(source.bucket, source.key, str(target))
        except (ClientError, BotoCoreError, OSError) as error:
            uri = f"s3://{source.bucket}/{source.key}"
            raise ClientJobError(
                f"Data download failed:Failed to download data. Cannot download {uri}: {error}"
            ) from error


def _prefix_sources(s3: Any, uri: str) -> list[Source]:
    bucket, prefix = s3uri.split_s3_uri(uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    # "Folders" made in the console are empty objects that end in a slash.
    return [
        Source(bucket=bucket, key=key, file_name=s3uri.file_name_under_prefix(prefix, key))
        for key in keys
        if not key.endswith("/")
    ]


def _manifest_sources(s3: Any, uri: str) -> list[Source]:
    bucket, key = s3uri.split_s3_uri(uri)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        manifest = json.loads(body)
    except ValueError as error:
        raise ClientJobError(f"Invalid manifest file {uri}: not JSON: {error}") from error
    entries = s3uri.manifest_entries(manifest, uri)
    split = [(s3uri.split_s3_uri(entry), name) for entry, name in entries]
    return [Source(bucket=bucket, key=key, file_name=name) for (bucket, key), name in split]


def _nothing_found(uri: str, role_arn: str, region: str) -> str:
    bucket, _ = s3uri.split_s3_uri(uri)
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
        f"exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
        f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )
