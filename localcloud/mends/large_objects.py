"""S3: large objects live on disk, not in the server's memory."""

import contextvars
import mmap
from pathlib import Path
from typing import Any

from ministack.services import s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "large_objects"
# Below it memory is cheaper than a file opened at every read.
LARGE_BYTES = 1024 * 1024

_by_pieces: contextvars.ContextVar[bool] = contextvars.ContextVar("by_pieces", default=False)


def mend(settings: Settings) -> None:
    """Forget the bytes of a large version once they are on disk, and read of them only what is asked for.

    AWS: does not run on the user's laptop.
    MiniStack 1.5.33: writes objects to disk and drops those bytes, but the entry of a version keeps its own
    reference until a restart, so 1 GB uploaded is 1 GB of memory; and a range reads the whole file (measured).
    """
    del settings
    persist = require(MEND, s3, "_persist_object", 'obj["body"] = None', "_atomic_write(fpath, data)")
    version_body = require(MEND, s3, "_version_body", 'v.get("data") is not None', "_version_file_exists(")
    read_body = require(
        MEND, s3, "_read_body", 'body = obj.get("body")', "_object_disk_path(bucket_name, key)"
    )
    get = require(MEND, s3, "_get_object", "_version_body(bucket, bucket_name, key, v)")
    require(MEND, s3, "_version_disk_path", "_VERSIONS_DIR")

    s3._persist_object = _forgetting(persist)
    s3._version_body = _lazy(version_body, _version_path)
    s3._read_body = _lazy(read_body, _object_path)
    s3._get_object = _getting(get)


def _forgetting(persist: Any) -> Any:
    @wraps(persist)
    def persist_object(bucket: str, key: str, obj: Any) -> None:
        persist(bucket, key, obj)
        # A body is dropped only once it is on disk; where that failed, it stays.
        if isinstance(obj, dict) and obj.get("body") is None and obj.get("size", 0) >= LARGE_BYTES:
            _forget(s3._object_versions.get((bucket, key), []), obj.get("version_id"))

    return persist_object


def _lazy(read: Any, path_of: Any) -> Any:
    @wraps(read)
    def read_lazily(*arguments: Any) -> Any:
        mapped = _mapped(path_of(*arguments)) if _by_pieces.get() else None
        return read(*arguments) if mapped is None else mapped

    return read_lazily


def _getting(get: Any) -> Any:
    @wraps(get)
    def get_object(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> Any:
        token = _by_pieces.set("range" in headers)
        try:
            status, answered, body = get(bucket_name, key, headers, query_params)
        finally:
            _by_pieces.reset(token)
        return status, answered, bytes(body)

    return get_object


def _version_path(_bucket: Any, bucket_name: str, key: str, version: dict[str, Any]) -> str | None:
    """Return where the bytes of a replaced version are, None while they are in memory."""
    if version.get("data") is not None:
        return None
    path: str | None = s3._version_disk_path(bucket_name, key, version["version_id"])
    return path


def _object_path(bucket_name: str, key: str, obj: dict[str, Any]) -> str | None:
    """Return where the bytes of a key's newest object are, None while they are in memory."""
    if obj.get("body") is not None:
        return None
    path: str | None = s3._object_disk_path(bucket_name, key)
    return path


def _forget(versions: list[dict[str, Any]], version_id: str | None) -> None:
    """Let go of the bytes of one version; reading it falls back to the file, as after a restart."""
    for version in versions:
        if version["version_id"] == version_id:
            version["data"] = None


def _mapped(path: str | None) -> memoryview | None:
    """Return a file's bytes without reading them, None for one that is not there or has none."""
    if path is None or not Path(path).is_file() or Path(path).stat().st_size == 0:
        return None
    with Path(path).open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
