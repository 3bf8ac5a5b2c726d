"""What the REST API takes and gives about batch predictions."""

from typing import Annotated, Any, Literal

import msgspec
from chalicelib.inference.batch_rows import Batch, BatchState, Way
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
    """What to predict: a file that will be uploaded, by its name, or one that lies in our data bucket.

    ``result`` is the format of the predictions; rejects have one JSON object a line in any case.
    """

    file: _FileName | None = None
    input_uri: _Uri | None = None
    result: Literal["ndjson", "csv"] = "ndjson"


class UploadForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where to POST the file, and the form fields that go before it."""

    url: str
    fields: dict[str, str]


class BatchView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One batch: how far it is, and where its result is.

    ``way`` is ``endpoint`` or, for a large file, ``transform``: a SageMaker job of its own, ``transform_job``. ``rows``
    are done (by a job: read), ``failed`` of them could not be predicted; ``waits_for`` says what a job was refused for. The two links work for 15 minutes; ``rejects_url``
    is there where rows failed, ``upload`` where the file is still awaited.
    """

    id: str
    pipeline: str
    state: BatchState
    model_version: str
    way: Way
    input_uri: str
    rows: int
    failed: int
    progress: float
    created_at: str
    updated_at: str
    ended_at: str | None = None
    reason: str | None = None
    waits_for: str | None = None
    transform_job: str | None = None
    upload: UploadForm | None = None
    result_url: str | None = None
    rejects_url: str | None = None


class BatchList(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of a pipeline, newest first."""

    batches: list[BatchView]


def batch_view(batch: Batch, input_uri: str, **links: Any) -> BatchView:
    """Return a batch as the API shows it."""
    return BatchView(
        id=batch.id,
        pipeline=batch.pipeline,
        state=batch.state,
        model_version=batch.version,
        way=batch.way,
        input_uri=input_uri,
        rows=batch.rows,
        failed=batch.failed,
        progress=round(_progress(batch), 4),
        created_at=batch.created_at,
        updated_at=batch.updated_at,
        ended_at=batch.ended_at,
        reason=batch.reason,
        waits_for=batch.waits_for,
        **links,
    )


def _progress(batch: Batch) -> float:
    """Return how much is done. SageMaker does not say how far a job is: half is told when it has ended, half by reading."""
    if batch.state is BatchState.SUCCEEDED:
        return 1.0
    read = batch.offset_bytes / batch.size_bytes if batch.size_bytes else 0.0
    if batch.way is Way.ENDPOINT:
        return read
    return read / 2 + (batch.collected / batch.portions / 2 if batch.is_cut and batch.portions else 0.0)
