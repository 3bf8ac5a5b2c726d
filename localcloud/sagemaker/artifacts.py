"""What goes back to S3: model.tar.gz, output.tar.gz and checkpoints; and how models come down again."""

import tarfile
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import s3uri
from localcloud.sagemaker.errors import ClientJobError


def upload_folder_as_tar(s3: Any, folder: Path, uri: str, scratch: Path) -> None:
    """Pack what is in the folder and upload it; an empty folder uploads nothing, as on AWS."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    # A script that saved no model still completes, and there is simply no archive.
    if not names:
        return
    archive = scratch / Path(uri).name
    with tarfile.open(archive, "w:gz") as tar:
        for name in names:
            tar.add(folder / name, name)
    upload_file(s3, archive, uri)
    archive.unlink()


def upload_file(s3: Any, path: Path, uri: str) -> None:
    """Upload one file; a refusal is the caller's fault (the role, or the bucket)."""
    bucket, key = s3uri.split_s3_uri(uri)
    try:
        s3.upload_file(str(path), bucket, key)
    # boto3's own S3UploadFailedError is not a BotoCoreError.
    except (ClientError, BotoCoreError, OSError, S3UploadFailedError) as error:
        raise ClientJobError(f"Artifact upload failed:Unable to upload file to {uri}: {error}") from error


def download_folder(s3: Any, uri: str, folder: Path) -> None:
    """Download everything under the URI; nothing there is no error (a first run has no checkpoints)."""
    bucket, prefix = s3uri.split_s3_uri(uri.rstrip("/") + "/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", [])):
        if item["Key"].endswith("/"):
            continue
        target = folder / s3uri.safe_file_name(item["Key"].removeprefix(prefix))
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, item["Key"], str(target))


def download_and_extract(s3: Any, uri: str, folder: Path) -> None:
    """Download a tar archive and unpack it into the folder; members that would leave it are refused."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder.with_name(folder.name + ".download")
    bucket, key = s3uri.split_s3_uri(uri)
    s3.download_file(bucket, key, str(archive))
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    finally:
        archive.unlink()
