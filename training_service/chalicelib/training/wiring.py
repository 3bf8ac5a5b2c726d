"""The one place that makes adapters: lazily, once per process, from the settings."""

import functools
import os
import random

from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_rows import JobRows
from chalicelib.training.logs import TrainingLogs
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.packages import ModelPackages
from chalicelib.training.ports import Ports
from chalicelib.training.request import Place
from chalicelib.training.sagemaker import SageMakerJobs
from chalicelib.training.settings import TrainingSettings

from shared import log
from shared.auth import Tokens
from shared.aws import client, dynamodb, event_bridge, s3, secrets_manager
from shared.bus import Bus
from shared.clock import utc_now
from shared.http.idempotency import Replies
from shared.objects import Bucket
from shared.readers import Datasets, Pipelines, Releases
from shared.secrets import OriginSecret
from shared.signing import SigningKey
from shared.tables import Table


@functools.cache
def settings() -> TrainingSettings:
    """Return the service's settings."""
    return TrainingSettings.from_env(os.environ)


@functools.cache
def origin_secret() -> OriginSecret:
    """Return the reader of the origin secret."""
    return OriginSecret(secrets_manager(), settings().origin_secret_arn)


@functools.cache
def tokens() -> Tokens:
    """Return the reader of the tokens table."""
    return Tokens(_table(settings().tokens_table, "token_sha256"))


@functools.cache
def replies() -> Replies:
    """Return the answers given under an Idempotency-Key."""
    return Replies(_table(settings().idempotency_table, "id"), utc_now, log.logger("training"))


@functools.cache
def ports() -> Ports:
    """Return everything the workflows need."""
    have = settings()
    data, models = Bucket(s3(), have.data_bucket), Bucket(s3(), have.models_bucket)
    jobs = _table(have.jobs_table, "job_id")
    return Ports(
        jobs=JobRows(jobs, utc_now),
        pacing=PacingRows(jobs),
        models=ModelRows(_table(have.models_table, "pipeline", "version"), utc_now),
        pipelines=Pipelines(_table(have.pipelines_table, "kind", "pipeline")),
        datasets=Datasets(_table(have.datasets_table, "pipeline", "version"), data),
        releases=Releases(_table(have.releases_table, "pipeline", "entry")),
        job_files=JobFiles(data),
        model_files=ModelFiles(models),
        # One bucket, two prefixes: the training role may write only below staging/.
        staging=models,
        sagemaker=SageMakerJobs(client("sagemaker")),
        packages=ModelPackages(client("sagemaker")),
        signer=SigningKey(client("kms"), have.signing_key_arn),
        logs=TrainingLogs(client("logs")),
        bus=Bus(event_bridge(), have.stage),
        clock=utc_now,
        # Passed in like the clock, so that a test knows how long a job waits.
        jitter=random.random,
        place=Place(
            stage=have.stage,
            role_arn=have.sagemaker_role_arn,
            data_bucket=have.data_bucket,
            models_bucket=have.models_bucket,
        ),
        recipes=have.recipes,
        image_uri=have.training_image_uri,
        max_jobs=have.max_training_jobs,
    )


def _table(name: str, *keys: str) -> Table:
    return Table(dynamodb(), name, *keys)
