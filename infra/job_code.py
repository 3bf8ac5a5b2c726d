"""Put the ingest service's own package where its processing jobs find it: the same code as the functions run.

It is packed before the services are deployed, since its address is a value of their configuration; Chalice's
deployer then finds the zip made and takes it. Run as a program it packs: `python -m infra.job_code FOLDER STAGE SERVICE`.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

import msgspec

from infra.errors import DeployError
from infra.packaging import lay_out
from infra.services import build_of, folder_of, run_chalice
from infra.stage import Stage

SERVICE = "ingest"
# What the processing image and the functions both run.
PYTHON = "python3.12"


class StoredCode(msgspec.Struct, frozen=True, kw_only=True):
    """Where the package is, named by what is in it, and whether it was uploaded now."""

    uri: str
    sha256: str
    uploaded: bool


def store_job_code(stage: Stage, bucket: str, *, root: Path) -> StoredCode:
    """Pack the ingest service and upload the zip unless the bucket has it; older ones stay, jobs name them."""
    build = lay_out(folder_of(root, SERVICE), build_of(root, stage, SERVICE))
    package = Path(run_chalice(stage, SERVICE, build, "infra.job_code").strip().splitlines()[-1])
    sha256 = content_digest(package)
    key = f"code/{sha256}/ingest.zip"
    uploaded = _upload(stage, bucket, key, package)
    return StoredCode(uri=f"s3://{bucket}/{key}", sha256=sha256, uploaded=uploaded)


def content_digest(package: Path) -> str:
    """Return a SHA-256 over names and bytes of what is in a zip; its own bytes have the time of packing in them."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(package) as archive:
        for name in sorted(archive.namelist()):
            content = archive.read(name)
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _upload(stage: Stage, bucket: str, key: str, package: Path) -> bool:
    from botocore.exceptions import ClientError

    s3 = stage.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NotFound"}:
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=package.read_bytes(), ContentType="application/zip")
        return True
    return False


if __name__ == "__main__":
    from infra.chalice_app import package as make_package

    try:
        print(make_package(Path(sys.argv[1]), PYTHON))
    except DeployError as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
