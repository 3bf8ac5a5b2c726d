"""What the REST API takes and gives about batch predictions."""

from typing import Annotated, Any

import msgspec
from chalicelib.inference.batch_rows import Batch, BatchState
from msgspec import Meta

_FileName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(csv|ndjson|jsonl)$",
        description="such as flights.csv; .csv, .ndjson or .jsonl",
    ),
]
_Uri = Annotated[
    str, Meta(pattern=r"^s3://[^/]+/batch/.+", max_length=1024, description="under batch/<pipeline>/")
]


class NewBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to predict: a file that will be uploaded, by its name, or one that lies in our data bucket."""

    file: _FileName | None = None
    input_uri: _Uri | None = None


class UploadForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where to POST the file, and the form fields that go before it."""

    url: str
    fields: dict[str, str]


class BatchView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One batch: how far it is, and where its result is.

    ``rows`` are done, ``failed`` of them could not be predicted. The two links work for 15 minutes; ``rejects_url``
    is there where rows failed, ``upload`` where the file is still awaited.
    """

    id: str
    pipeline: str
    state: BatchState
    model_version: str
    input_uri: str
    rows: int
    failed: int
    progress: float
    created_at: str
    updated_at: str
    ended_at: str | None = None
    reason: str | None = None
    upload: UploadForm | None = None
    result_url: str | None = None
    rejects_url: str | None = None


class BatchList(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of a pipeline, newest first."""

    batches: list[BatchView]


def batch_view(batch: Batch, input_uri: str, **links: Any) -> BatchView:
    """Return a batch as the API shows it."""
    done = batch.state is BatchState.SUCCEEDED
    share = 1.0 if done else batch.offset_bytes / batch.size_bytes if batch.size_bytes else 0.0
    return BatchView(
        id=batch.id,
        pipeline=batch.pipeline,
        state=batch.state,
        model_version=batch.version,
        input_uri=input_uri,
        rows=batch.rows,
        failed=batch.failed,
        progress=round(share, 4),
        created_at=batch.created_at,
        updated_at=batch.updated_at,
        ended_at=batch.ended_at,
        reason=batch.reason,
        **links,
    )
