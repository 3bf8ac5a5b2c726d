"""What the REST routes read: versions by any of their names, rejects page by page."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.keys import UNROUTED, is_pipeline_name
from chalicelib.ingest.profiling import Profile, vega
from chalicelib.ingest.profiling.differences import VersionComparison, compare
from chalicelib.ingest.views import RejectList, RejectView, VersionList, describe_reject, version_view

from shared.entities.dataset import DatasetState, DatasetVersion
from shared.errors import Conflict, InvalidRequest, NotFound

LATEST = "latest"
_ALIAS = re.compile(r"d([1-9][0-9]{0,9})")


def pipeline_named(text: str) -> str:
    """Return the pipeline that the path segment *text* names; the table's own entries (#counters) are none.

    Raises
    ------
    NotFound
        No pipeline can have that name.
    """
    name = unquote(text)
    if name != UNROUTED and not is_pipeline_name(name):
        raise NotFound(f"no pipeline {name[:60]!r}")
    return name


def find_version(adapters: Adapters, pipeline: str, name: str) -> DatasetVersion:
    """Return the version that *name* (its id, ``d7`` or ``latest``) means.

    Raises
    ------
    NotFound
        There is none.
    """
    alias = _ALIAS.fullmatch(name)
    pipeline = pipeline_named(pipeline)
    if name != LATEST and alias is None:
        return adapters.catalog.read.get(pipeline, name)
    versions = adapters.catalog.read.versions(pipeline)
    if alias:
        versions = [row for row in versions if row.ordinal == int(alias[1])]
    if not versions:
        raise NotFound(f"pipeline {pipeline!r} has no dataset version {name!r}")
    return versions[-1]


def list_versions(adapters: Adapters, pipeline: str, limit: int, cursor: str | None) -> VersionList:
    """Return a page of versions, newest first. A pipeline without uploads has an empty list, an unknown one none.

    Raises
    ------
    NotFound
        There is neither such a pipeline nor any upload under its name.
    """
    pipeline = pipeline_named(pipeline)
    below = read_cursor(cursor)
    rows = list(reversed(adapters.catalog.read.versions(pipeline)))
    if not rows:
        # An unknown pipeline may have rejected uploads to show; without any it does not exist.
        adapters.pipelines.read.get(pipeline)
    remaining = [row for row in rows if below is None or row.ordinal < below]
    shown = remaining[:limit]
    more = len(remaining) > limit
    return VersionList(
        versions=[version_view(row) for row in shown],
        next=make_cursor(shown[-1].ordinal) if more else None,
    )


def read_profile(adapters: Adapters, row: DatasetVersion) -> bytes:
    """Return ``profile.json`` of a READY version; a duplicate's is that of the first.

    Raises
    ------
    NotFound
        The version is not READY.
    """
    if row.state is not DatasetState.READY:
        raise NotFound(f"dataset version d{row.ordinal} is {row.state} and has no profile")
    return adapters.files.read(row.pipeline, row.duplicate_of or row.version, "profile.json")


def draw_profile(adapters: Adapters, row: DatasetVersion) -> dict[str, Any]:
    """Return the plots of a READY version's profile as a Vega-Lite page.

    Raises
    ------
    NotFound
        The version is not READY.
    """
    return vega.page(msgspec.json.decode(read_profile(adapters, row), type=Profile))


def compare_versions(
    adapters: Adapters, pipeline: str, before: str | None, after: str | None
) -> VersionComparison:
    """Return what changed from one READY version to another; each is named as in paths.

    Raises
    ------
    InvalidRequest
        One of the two is not named.
    NotFound
        There is no such version.
    Conflict
        A version is not READY and so has no profile.
    """
    if not before or not after:
        raise InvalidRequest("name two versions to compare, such as ?from=d1&to=latest")
    rows = [find_version(adapters, pipeline, name) for name in (before, after)]
    for row in rows:
        if row.state is not DatasetState.READY:
            raise Conflict(
                f"dataset version d{row.ordinal} is {row.state}; only READY versions can be compared"
            )
    profiles = [msgspec.json.decode(read_profile(adapters, row), type=Profile) for row in rows]
    return compare(*profiles, names=(f"d{rows[0].ordinal}", f"d{rows[1].ordinal}"))


def list_rejects(adapters: Adapters, row: DatasetVersion, limit: int, cursor: str | None) -> RejectList:
    """Return a page of the rows that broke a rule; none where the upload was refused before its rows were read."""
    skip = read_cursor(cursor) or 0
    try:
        lines = list(islice(_reject_lines(adapters, row), skip, skip + limit + 1))
    except NotFound:
        lines = []
    rejects = [describe_reject(msgspec.json.decode(line, type=RejectView)) for line in lines[:limit]]
    return RejectList(rejects=rejects, next=make_cursor(skip + limit) if len(lines) > limit else None)


def make_cursor(place: int) -> str:
    """Return *place* as an opaque text."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int | None:
    """Return the place that *cursor* stands for.

    Raises
    ------
    InvalidRequest
        It is none of ours.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return int(text) if text.isdigit() and len(text) < 12 else _refuse(cursor)
    except (binascii.Error, ValueError):
        return _refuse(cursor)


def _refuse(cursor: str) -> int:
    raise InvalidRequest(f"cursor={cursor[:40]!r} is none that this service gave out")


def _reject_lines(adapters: Adapters, row: DatasetVersion) -> Iterator[bytes]:
    """Yield the lines of ``rejects.jsonl.gz`` without ever holding more than a piece of it."""
    inflate = zlib.decompressobj(wbits=31)
    rest = b""
    for chunk in adapters.files.chunks(row.pipeline, row.duplicate_of or row.version, "rejects.jsonl.gz"):
        *lines, rest = (rest + inflate.decompress(chunk)).split(b"\n")
        yield from lines
    if rest:
        yield rest
