"""The story of each trigger of the ingest service.

An upload: receive its row → claim it → validate → READY or REJECTED → announce → put its row at rest.
What a function cannot finish: claim → validate says so → hand over to a processing job → the job has ended →
claim → collect what it left → READY or REJECTED → and so on; a job that left nothing is an attempt that failed.
The minute's tick does again whatever was left undone, from the rows and the objects alone.
Events are hints, rows are truth: each story may be told twice, or begin where another broke off.
"""

from collections.abc import Callable

from chalicelib.ingest import catalog as rows
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import Refusal
from chalicelib.ingest.catalog import Outcome
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.leases import LEASE
from chalicelib.ingest.processing.collecting import Incomplete, collect
from chalicelib.ingest.processing.following import Sight, is_handed_over, look
from chalicelib.ingest.processing.handing_over import hand_over
from chalicelib.ingest.processing.plan import parse_name
from chalicelib.ingest.validation import Duplicate, HandOver, Result, validate_upload

from shared.entities.dataset import DatasetManifest, DatasetState, DatasetVersion
from shared.errors import ConditionFailed, HeadraceError, NotFound
from shared.events import DatasetVersionReady, DatasetVersionRejected, Event

MAX_ATTEMPTS = 5
DECIDED = frozenset({DatasetState.READY, DatasetState.REJECTED})

Make = Callable[[DatasetVersion, Adapters], Result]


def handle_upload(upload: Upload, owner: str, adapters: Adapters) -> DatasetVersion | None:
    """Bring one uploaded object version to rest; None for the empty objects that stand for folders.

    Raises
    ------
    Unavailable
        Something outside failed; the same event may be handled again.
    """
    if upload.is_folder:
        return None
    row = adapters.catalog.receive(upload, adapters.clock())
    return advance(row, owner, adapters)


def handle_job_change(name: str, owner: str, adapters: Adapters) -> DatasetVersion | None:
    """Look after the version whose processing job *name* has changed; None where no version names that job.

    Raises
    ------
    Unavailable
        Something outside failed; the same event may be handled again.
    """
    told = parse_name(adapters.place.stage, name)
    if told is None:
        return None
    try:
        pipeline = adapters.jobs.describe(name).pipeline
    except NotFound:
        return None
    row = adapters.catalog.find(pipeline, told.version)
    if row is None or row.processing_job != name:
        return None
    return advance(row, owner, adapters)


def advance(row: DatasetVersion, owner: str, adapters: Adapters) -> DatasetVersion:
    """Do what *row* still lacks and return it as it is then."""
    if row.state in DECIDED:
        return announce(row, adapters)
    if is_handed_over(row):
        return _follow(row, owner, adapters)
    if row.state is DatasetState.VALIDATING and row.attempt >= MAX_ATTEMPTS:
        return give_up(row, adapters)
    return _attempt(row, owner, validate_upload, adapters)


def _follow(row: DatasetVersion, owner: str, adapters: Adapters) -> DatasetVersion:
    """Go on with a version where its processing job has got to."""
    seen = look(row, adapters)
    match seen.sight:
        case Sight.WAIT:
            return row
        case Sight.GIVE_UP:
            return give_up(row, adapters, seen.reason)
        # To collect costs little beside what made it: it has attempts of its own.
        case Sight.COLLECT if row.attempt < 2 * MAX_ATTEMPTS:
            return _attempt(row, owner, _collect_or_begin_again, adapters)
        case Sight.TRY_AGAIN if row.attempt < MAX_ATTEMPTS:
            adapters.log.warning("processing job without result", extra={"reason": seen.reason})
            return _attempt(row, owner, validate_upload, adapters)
    return give_up(row, adapters, seen.reason)


def _collect_or_begin_again(mine: DatasetVersion, adapters: Adapters) -> Result:
    try:
        return collect(mine, adapters)
    except Incomplete as error:
        adapters.log.warning("processing job without result", extra={"reason": str(error)})
        return validate_upload(mine, adapters)


def _attempt(row: DatasetVersion, owner: str, make: Make, adapters: Adapters) -> DatasetVersion:
    mine = adapters.catalog.claim(row, owner, adapters.clock(), LEASE)
    if mine is None:
        adapters.log.info("another attempt holds the version, or it is at rest")
        return row
    return announce(decide(mine, make, adapters), adapters)


def decide(mine: DatasetVersion, make: Make, adapters: Adapters) -> DatasetVersion:
    """Let *make* decide the claimed version and return its row: READY, REJECTED, or handed over to a job."""
    began = adapters.clock()
    try:
        with adapters.renewing(lambda: _renew(mine, adapters)):
            decided = _decide(mine, make, adapters)
    except ConditionFailed:
        # Another attempt took over while this one worked: the row says what became of the version.
        return adapters.catalog.read.get(mine.pipeline, mine.version)
    except HeadraceError:
        adapters.catalog.release(mine, adapters.clock())
        raise
    if decided.state not in DECIDED:
        return decided
    adapters.measure(decided, (adapters.clock() - began).total_seconds())
    told = {"state": decided.state, "reason": decided.reason, "rows_good": decided.rows_good}
    adapters.log.info("dataset version decided", extra=told)
    return decided


def _renew(mine: DatasetVersion, adapters: Adapters) -> bool:
    try:
        return adapters.catalog.renew(mine, adapters.clock(), LEASE)
    except HeadraceError as error:
        adapters.log.warning("lease not renewed", extra={"reason": str(error)})
        return True  # the next time may do


def announce(row: DatasetVersion, adapters: Adapters) -> DatasetVersion:
    """Tell the bus about a decided version, once more if that is what was lost, then put its row at rest."""
    if row.attention == rows.OPEN and row.state in DECIDED:
        adapters.bus.announce(_event(row), correlation_id=row.correlation_id)
        if row.processing_job:
            adapters.job_files.clear(row.pipeline, row.version)
        adapters.catalog.told(row)
    return row


def give_up(row: DatasetVersion, adapters: Adapters, why: str = "") -> DatasetVersion:
    """Make FAILED a version that no attempt could finish, once its last lease has run out."""
    detail = f"{row.attempt} attempts did not finish; upload the file again, or see the service's log."
    detail = f"{detail} The last one: {why}" if why else detail
    failed = adapters.catalog.fail(row, detail, adapters.clock())
    if failed is None:
        return row
    adapters.log.error("dataset version failed", extra={"version": row.version, "attempts": row.attempt})
    adapters.measure(failed, 0.0)
    return failed


def _decide(mine: DatasetVersion, make: Make, adapters: Adapters) -> DatasetVersion:
    # A manifest without a READY row: an attempt died between the two. Its work is whole, its last step is not.
    written = adapters.files.manifest(mine.pipeline, mine.version)
    result = written or make(mine, adapters)
    match result:
        case Refusal(reason=reason, detail=detail, facts=facts):
            return adapters.catalog.finish_rejected(mine, (reason, detail), facts, adapters.clock())
        case Duplicate(first=first):
            return adapters.catalog.finish_ready(mine, _same_as(first), adapters.clock())
        case HandOver():
            handed = hand_over(mine, result, adapters)
            # Created here where it can be; whatever stops that, the minute's tick finds the row and goes on.
            look(handed, adapters)
            return handed
    return _finish_ready(mine, result, adapters)


def _finish_ready(mine: DatasetVersion, manifest: DatasetManifest, adapters: Adapters) -> DatasetVersion:
    """Make the version READY; where another got the same content in first, as its duplicate."""
    outcome = _outcome(manifest, adapters)
    try:
        return adapters.catalog.finish_ready(mine, outcome, adapters.clock())
    except ConditionFailed:
        first = adapters.catalog.holder(mine.pipeline, outcome.content_sha256)
        if first is None or first.version == mine.version:
            raise
    return adapters.catalog.finish_ready(mine, _same_as(first), adapters.clock())


def _outcome(manifest: DatasetManifest, adapters: Adapters) -> Outcome:
    return Outcome(
        content_sha256=manifest.raw.sha256,
        size_bytes=manifest.raw.size_bytes,
        row_count=manifest.rows.read,
        rows_good=manifest.rows.good,
        rows_bad=manifest.rows.bad,
        manifest_uri=adapters.files.uri(manifest.pipeline, manifest.version),
    )


def _same_as(first: DatasetVersion) -> Outcome:
    return Outcome(
        content_sha256=first.content_sha256 or "",
        size_bytes=first.size_bytes,
        row_count=first.row_count or 0,
        rows_good=first.rows_good or 0,
        rows_bad=first.rows_bad or 0,
        manifest_uri=first.manifest_uri or "",
        duplicate_of=first.version,
    )


def _event(row: DatasetVersion) -> Event:
    if row.state is DatasetState.READY:
        return DatasetVersionReady(
            pipeline=row.pipeline,
            version=row.version,
            ordinal=row.ordinal,
            manifest_uri=row.manifest_uri or "",
            row_count=row.row_count or 0,
            duplicate_of=row.duplicate_of,
        )
    return DatasetVersionRejected(
        pipeline=row.pipeline,
        version=row.version,
        object_uri=f"s3://{row.bucket}/{row.key}",
        reason=row.reason or "",
        detail=row.detail or "",
    )
