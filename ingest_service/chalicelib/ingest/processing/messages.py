"""What the service and a processing job tell each other: ``order.json`` in, ``result.json`` out."""

import msgspec
from chalicelib.ingest.build import Built, Order, Refusal

RESULT = "result.json"


class JobOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the job ``job`` is to make of the file that its user named ``file_name``."""

    job: str
    file_name: str
    order: Order


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the job ``job`` made of ``size_bytes``: a dataset, or the reason why there is none; exactly one.

    ``judged_by`` is the SHA-256 of the schema that the file was held against, None where the pipeline had none.
    """

    job: str
    size_bytes: int
    judged_by: str | None = None
    built: Built | None = None
    refusal: Refusal | None = None
