"""Give an upload to a processing job: copy it, write the order, and only then say so in the row.

The row names the job before the job exists. Whoever looks next finds it missing and creates it under that very
name, so that a crash at any step, a lost answer or two helpers at once make one job.
"""

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import Order
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.processing.messages import JobOrder
from chalicelib.ingest.processing.plan import job_name
from chalicelib.ingest.validation import HandOver

from shared.entities.dataset import DatasetVersion

# The volume is sized for the upload; SageMaker's own disk is the limit, not a figure of ours.
UNLIMITED = 1 << 62


def hand_over(mine: DatasetVersion, wanted: HandOver, adapters: Adapters) -> DatasetVersion:
    """Return the claimed row handed over to the job of its attempt; the claim ends with it.

    Raises
    ------
    ConditionFailed
        The row is not mine any more.
    """
    name = job_name(adapters.place.stage, mine.version, mine.attempt)
    adapters.job_files.copy_upload(mine.pipeline, mine.version, wanted.info)
    order = msgspec.json.encode(_order(name, mine, wanted, adapters))
    adapters.job_files.write_order(mine.pipeline, mine.version, mine.attempt, order)
    adapters.log.info("handed over to a processing job", extra={"processing_job": name, "why": wanted.why})
    return adapters.catalog.hand_over(mine, name, wanted.info.size_bytes, adapters.clock())


def _order(name: str, mine: DatasetVersion, wanted: HandOver, adapters: Adapters) -> JobOrder:
    most = adapters.limits.hard_max_bytes
    order = Order(
        definition=wanted.definition,
        known=wanted.known,
        limits=Limits(max_bytes=most, hard_max_bytes=most),
        disk_bytes=UNLIMITED,
    )
    return JobOrder(job=name, file_name=mine.key.rpartition("/")[2], order=order)
