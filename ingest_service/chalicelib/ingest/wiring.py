"""Build the adapters once, from the environment: the only place that makes clients."""

import functools
import os

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import build
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.leases import renewing
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles
from chalicelib.ingest.processing.jobs import ProcessingJobs
from chalicelib.ingest.processing.plan import Place
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.settings import Settings

from shared import log, metrics
from shared.auth import Tokens
from shared.aws import client, dynamodb, event_bridge, s3, secrets_manager
from shared.bus import Bus
from shared.clock import utc_now
from shared.entities.dataset import DatasetState, DatasetVersion
from shared.http.idempotency import Replies
from shared.objects import Bucket
from shared.secrets import OriginSecret
from shared.tables import Table

LOG = log.logger("ingest")
# What one function finishes unless the setting says another, and what a processing job does.
LIMITS = Limits(max_bytes=1 << 30, hard_max_bytes=100 << 30, max_copied_bytes=256 << 20)
# A function has 512 MB of disk: what is left is for aggregates that spill.
DISK_BYTES = 400_000_000


@functools.cache
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings.from_env(os.environ)


@functools.cache
def adapters() -> Adapters:
    """Return the adapters of this process; made at the first request, so that packaging needs no AWS."""
    chosen = settings()
    datasets = Table(dynamodb(), chosen.datasets_table, "pipeline", "version")
    pipelines = Table(dynamodb(), chosen.pipelines_table, "kind", "pipeline")
    incoming, data = Bucket(s3(), chosen.incoming_bucket), Bucket(s3(), chosen.data_bucket)
    return Adapters(
        raw=RawObjects(incoming),
        files=DatasetFiles(data),
        catalog=Catalog(datasets),
        jobs=ProcessingJobs(client("sagemaker")),
        job_files=JobFiles(data, incoming),
        place=place(),
        pipelines=PipelineStore(pipelines),
        bus=Bus(event_bridge(), chosen.stage),
        clock=utc_now,
        open_scratch=open_scratch,
        build=build,
        renewing=renewing,
        measure=measure,
        log=LOG,
        limits=msgspec.structs.replace(LIMITS, max_bytes=chosen.max_function_bytes),
        disk_bytes=DISK_BYTES,
        code_version=chosen.code_version,
    )


def place() -> Place:
    """Return where processing jobs run."""
    chosen = settings()
    return Place(
        stage=chosen.stage,
        role_arn=chosen.ingest_job_role_arn,
        image_uri=chosen.training_image_uri,
        code_uri=chosen.ingest_code_uri,
        data_bucket=chosen.data_bucket,
    )


@functools.cache
def tokens() -> Tokens:
    """Return the tokens table for the authorizer."""
    return Tokens(Table(dynamodb(), settings().tokens_table, "token_sha256"))


@functools.cache
def replies() -> Replies:
    """Return the answers given under an Idempotency-Key."""
    return Replies(Table(dynamodb(), settings().idempotency_table, "id"), utc_now, LOG)


@functools.cache
def origin_secret() -> OriginSecret:
    """Return the secret that CloudFront sends."""
    return OriginSecret(secrets_manager(), settings().origin_secret_arn)


def measure(row: DatasetVersion, seconds: float) -> None:
    """Write the metrics of one decided version; its id is searchable, not a dimension."""
    metrics.emit(
        {
            "RowsRead": (row.row_count or 0, "Count"),
            "RowsBad": (row.rows_bad or 0, "Count"),
            "VersionsRejected": (int(row.state is DatasetState.REJECTED), "Count"),
            "VersionsFailed": (int(row.state is DatasetState.FAILED), "Count"),
        },
        dimensions={"stage": settings().stage, "service": "ingest", "pipeline": row.pipeline},
        properties={
            "version": row.version,
            "state": row.state,
            "reason": row.reason,
            "attempt": row.attempt,
            "seconds": round(seconds, 3),
            "bytes": row.size_bytes,
        },
    )
