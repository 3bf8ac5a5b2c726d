"""Put every recipe family's tarball where training jobs find it, named by its own digest."""

from pathlib import Path

import msgspec

from infra.recipes import RECIPES, build_tarball
from infra.stage import Stage


class StoredRecipes(msgspec.Struct, frozen=True, kw_only=True):
    """The families of this checkout: family to sha256, and those that were uploaded now."""

    sha256: dict[str, str]
    uploaded: tuple[str, ...]


def store_recipes(stage: Stage, bucket: str, *, cache: Path) -> StoredRecipes:
    """Build each family's tarball and upload it unless the bucket has it; older ones stay, jobs name them."""
    families = sorted(path.parent.name for path in RECIPES.glob("*/train.py"))
    tarballs = [build_tarball(family, cache=cache) for family in families]
    uploaded = tuple(
        tarball.family for tarball in tarballs if _upload(stage, bucket, tarball.path, tarball.sha256)
    )
    return StoredRecipes(sha256={one.family: one.sha256 for one in tarballs}, uploaded=uploaded)


def key_of(sha256: str) -> str:
    """Return the key of a tarball in the models bucket."""
    return f"code/{sha256}/sourcedir.tar.gz"


def _upload(stage: Stage, bucket: str, path: Path, sha256: str) -> bool:
    from botocore.exceptions import ClientError

    s3 = stage.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=key_of(sha256))
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NotFound"}:
            raise
        s3.put_object(
            Bucket=bucket, Key=key_of(sha256), Body=path.read_bytes(), ContentType="application/gzip"
        )
        return True
    return False
