"""The call sites of the shared adapters."""

from collections.abc import Callable
from typing import Any

from docs.aws_errors.clouds import Cloud
from shared.aws.json_api import of_dynamodb, of_event_bridge, of_secrets_manager
from shared.bus import Bus
from shared.conditions import Absent
from shared.events import DatasetVersionRejected
from shared.objects import Bucket, ObjectInfo
from shared.objects.copying import COPY_BYTES
from shared.secrets import HashKey, OriginSecret
from shared.signing import SigningKey
from shared.tables import Change, Table

Probe = Callable[[Cloud], object]
_SMALL = ObjectInfo(key="k", size_bytes=8, etag="e")
_LARGE = ObjectInfo(key="k", size_bytes=COPY_BYTES + 1, etag="e")
_EVENT = DatasetVersionRejected(
    pipeline="p", version="v", object_uri="s3://b/k", reason="no_rows", detail="d"
)


class _Interrupted(Exception):
    """What had gone wrong before something was tidied up."""


def _bucket(cloud: Cloud) -> Bucket:
    return Bucket(cloud.service(), "b")


def _table(cloud: Cloud) -> Table:
    return Table(of_dynamodb(cloud.service()), "t", "p")


def _transact(cloud: Cloud) -> None:
    table = _table(cloud)
    table.transact(table.putting({"p": "k"}, only_if=Absent("p")))


def _copy(info: ObjectInfo, after: int) -> Probe:
    def probe(cloud: Cloud) -> None:
        cloud.after = after
        _bucket(cloud).copy_version(_bucket(cloud), info, "to")

    return probe


def _tidy_after_a_copy(cloud: Cloud) -> None:
    """Let a part of a copy fail; that it did is what must be heard, whatever comes of the abort."""
    cloud.after = 1
    send = cloud.send

    def interrupted(request: Any) -> Any:
        if "partNumber" in request.target:
            raise _Interrupted
        return send(request)

    cloud.send = interrupted  # type: ignore[method-assign]
    try:
        _bucket(cloud).copy_version(_bucket(cloud), _LARGE, "to")
    except _Interrupted:
        return


_OBJECTS: dict[tuple[str, str], Probe] = {
    ("bucket.Bucket.head", "HeadObject"): lambda cloud: _bucket(cloud).head("k"),
    ("bucket.Bucket.read", "GetObject"): lambda cloud: _bucket(cloud).read("k"),
    ("bucket.Bucket.open", "GetObject"): lambda cloud: _bucket(cloud).open("k"),
    ("bucket.Bucket.open_range", "GetObject"): lambda cloud: _bucket(cloud).open_range(_SMALL, 0, 8),
    ("bucket.Bucket.write", "PutObject"): lambda cloud: _bucket(cloud).write("k", b"x", new=True),
    ("bucket.Bucket.delete", "DeleteObject"): lambda cloud: _bucket(cloud).delete("k"),
    ("bucket.Bucket.list", "ListObjectsV2"): lambda cloud: list(_bucket(cloud).list("p")),
    ("bucket.Bucket._version_pages", "ListObjectVersions"): lambda cloud: list(
        _bucket(cloud).list_versions("p")
    ),
    ("multipart.PartUploads.begin_multipart", "CreateMultipartUpload"): lambda cloud: _bucket(
        cloud
    ).begin_multipart("k"),
    ("multipart.PartUploads.upload_part", "UploadPart"): lambda cloud: _bucket(cloud).upload_part(
        "k", "u", 1, b"x"
    ),
    ("multipart.PartUploads._parts", "ListParts"): lambda cloud: _bucket(cloud).list_parts("k", "u"),
    ("multipart.PartUploads.complete_multipart", "CompleteMultipartUpload"): lambda cloud: _bucket(
        cloud
    ).complete_multipart("k", "u", [], new=True),
    ("multipart.PartUploads.abort_multipart", "AbortMultipartUpload"): lambda cloud: _bucket(
        cloud
    ).abort_multipart("k", "u"),
    ("copying.copy", "CopyObject"): _copy(_SMALL, 0),
    ("copying.copy", "CreateMultipartUpload"): _copy(_LARGE, 0),
    ("copying.copy", "AbortMultipartUpload"): _tidy_after_a_copy,
    ("copying._copy_parts", "UploadPartCopy"): _copy(_LARGE, 1),
    ("copying._copy_parts", "CompleteMultipartUpload"): _copy(_LARGE, 3),
}
PROBES: dict[tuple[str, str], Probe] = {
    **{(f"shared.objects.{place}", operation): probe for (place, operation), probe in _OBJECTS.items()},
    ("shared.tables.Table.get", "GetItem"): lambda cloud: _table(cloud).get("k"),
    ("shared.tables.Table.query", "Query"): lambda cloud: _table(cloud).query("k"),
    ("shared.tables.Table.put", "PutItem"): lambda cloud: _table(cloud).put({"p": "k"}),
    ("shared.tables.Table.update", "UpdateItem"): lambda cloud: _table(cloud).update(("k",), Change()),
    ("shared.tables.Table.delete", "DeleteItem"): lambda cloud: _table(cloud).delete(("k",)),
    ("shared.tables.Table.transact", "TransactWriteItems"): _transact,
    ("shared.bus.Bus._put", "PutEvents"): lambda cloud: Bus(of_event_bridge(cloud.service()), "dev").announce(
        _EVENT
    ),
    ("shared.secrets.OriginSecret.values", "GetSecretValue"): lambda cloud: OriginSecret(
        of_secrets_manager(cloud.service()), "a"
    ).values(),
    ("shared.secrets.HashKey.value", "GetSecretValue"): lambda cloud: HashKey(
        of_secrets_manager(cloud.service()), "a"
    ).value(),
    ("shared.signing.SigningKey.sign", "Sign"): lambda cloud: SigningKey(cloud.client(), "a").sign(b"d"),
    ("shared.signing.SigningKey.is_signed", "Verify"): lambda cloud: SigningKey(
        cloud.client(), "a"
    ).is_signed(b"d", "c2ln"),
}
