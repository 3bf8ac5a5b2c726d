"""The minute's tick: what lost events, crashes and expired leases left undone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from zlib import crc32

from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.keys import PREFIX, Upload
from chalicelib.ingest.processing.following import is_handed_over
from chalicelib.ingest.workflow import advance

from shared import log
from shared.clock import LEASE_MARGIN, to_text
from shared.entities.dataset import DatasetState, DatasetVersion
from shared.objects import ObjectInfo

MAX_ROWS = 100  # looked at in one tick
# Validated in one tick, of each sort, the rest in the next: a tick must end before its function's time does.
MAX_WORK = 5
MAX_LISTED = 20_000  # object versions per folder and tick
MAX_LOOKED_UP = 200
MIN_AGE = timedelta(minutes=2)  # younger objects' events are on their way
# Looked up in every tick; later only for ticks that failed, or had too much to do.
YOUNG = timedelta(minutes=5)
OLD_TURNS = 10
MAX_AGE = timedelta(hours=24)  # EventBridge has given up by then


def reconcile(owner: str, adapters: Adapters) -> int:
    """Finish what is overdue; return how many versions were advanced."""
    overdue = [row for row in adapters.catalog.needing_attention(MAX_ROWS) if _is_overdue(row, adapters)]
    # Jobs that run need a glance only: however many there are, they take no turn from the others.
    for row in filter(is_handed_over, overdue):
        _try(row, owner, adapters)
    others = [row for row in overdue if not is_handed_over(row)]
    advanced = sum(_try(row, owner, adapters) for row in others[:MAX_WORK])
    # A share of their own: where attempts are killed each minute, uploads without a row would never have their turn.
    for upload in islice(_forgotten(adapters), MAX_WORK):
        row = adapters.catalog.receive(upload, adapters.clock())
        advanced += _try(row, owner, adapters)
    return advanced


def _is_overdue(row: DatasetVersion, adapters: Adapters) -> bool:
    """Say whether nobody is at work on *row* any more; a fresh row's own event handler comes first."""
    now = adapters.clock()
    if row.state is DatasetState.VALIDATING:
        return row.lease_until is None or row.lease_until <= to_text(now - LEASE_MARGIN)
    return row.updated_at <= to_text(now - LEASE_MARGIN)


def _try(row: DatasetVersion, owner: str, adapters: Adapters) -> bool:
    """Advance one version; one that fails must not keep the others waiting."""
    log.bind(correlation_id=row.correlation_id, pipeline=row.pipeline)
    try:
        # An own owner per version and attempt: one tick's second try must not look like a dead first one.
        advance(row, f"{owner}/{row.version}", adapters)
    # A supervisor: also what nobody foresaw, such as an AWS code we do not know, stays with its version.
    except Exception:
        adapters.log.exception("version not finished; a later tick tries again")
        return False
    return True


def _forgotten(adapters: Adapters) -> Iterable[Upload]:
    """Yield uploads without a row: their event was lost."""
    now = adapters.clock()
    for objects in _listings(adapters):
        for info in _slice_of(objects, now):
            upload = _upload(info, adapters)
            if not upload.is_folder and not adapters.catalog.find(upload.pipeline, upload.version):
                yield upload


def _listings(adapters: Adapters) -> Iterable[Iterable[ObjectInfo]]:
    """Yield the versions of each folder, and those that lie in none.

    Folders, not pipelines: who uploads for a pipeline that does not exist is told so. Versions, not objects: what was
    overwritten before any tick was uploaded all the same.
    """
    yield adapters.raw.list_versions(PREFIX, deep=False)
    for folder in adapters.raw.folders(PREFIX):
        yield adapters.raw.list_versions(folder)


def _slice_of(objects: Iterable[ObjectInfo], now: datetime) -> list[ObjectInfo]:
    """Return this minute's share: looked up in every tick of its day, an upload would cost 1,400 reads."""
    listed = list(islice(objects, MAX_LISTED))
    young = [info for info in listed if _is_between(MIN_AGE, info, YOUNG, now)]
    old = [info for info in listed if _is_between(YOUNG, info, MAX_AGE, now)]
    minute = int(now.timestamp() // 60)
    return [*_whose_turn_it_is(young, minute), *_whose_turn_it_is(old, minute, OLD_TURNS)]


def _is_between(least: timedelta, info: ObjectInfo, most: timedelta, now: datetime) -> bool:
    return info.modified_at is not None and least <= now - info.modified_at < most


def _whose_turn_it_is(infos: list[ObjectInfo], minute: int, turns: int = 1) -> list[ObjectInfo]:
    turns = max(turns, -(-len(infos) // MAX_LOOKED_UP))
    # By name, not by place: places move with what comes and goes, and some might never have their turn.
    return [
        info for info in infos if crc32(f"{info.key} {info.version_id}".encode()) % turns == minute % turns
    ]


def _upload(info: ObjectInfo, adapters: Adapters) -> Upload:
    """Return a listed version as the upload that its event would have told of."""
    return Upload(
        bucket=adapters.raw.bucket_name, key=info.key, version_id=info.version_id, size_bytes=info.size_bytes
    )
