"""What the stories of the three services are given: their own adapters over simulated neighbours."""

import logging
import random
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.baselines import Baselines
from chalicelib.inference.batch_plan import Where
from chalicelib.inference.batch_rows import Batches
from chalicelib.inference.checks import Checks
from chalicelib.inference.releases import Releases
from chalicelib.inference.router import Router
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.usage import Usage
from chalicelib.inference.windows import Windows
from chalicelib.inference.workflow import requests as release_requests
from chalicelib.inference.workflow.batches import Batching
from chalicelib.inference.workflow.context import Releasing
from chalicelib.inference.workflow.monitoring import Monitoring
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles as ProcessingFiles
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_rows import JobRows
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.ports import Ports
from chalicelib.training.request import Place

from shared.readers import Datasets, Models, Pipelines
from shared.readers import Releases as ReadReleases
from shared.signing import SigningKey
from tests.simulation.engine import MOST_BYTES
from tests.simulation.neighbours import Neighbours
from tests.unit.ingest.world import PLACE as INGEST_PLACE
from tests.unit.training.world import FakeLogs

STAGE = "test"
QUOTA = 4
TRANSFORM_FROM_BYTES = 60
KEPT = timedelta(days=30)


def ingest_adapters(around: Neighbours) -> Adapters:
    """Return what the ingest service's stories are given."""
    none: Any = None
    return Adapters(
        raw=RawObjects(around.incoming),
        files=DatasetFiles(around.data),
        catalog=Catalog(around.datasets),
        jobs=around.processing,
        job_files=ProcessingFiles(around.data, around.incoming),
        place=INGEST_PLACE,
        pipelines=PipelineStore(around.pipelines),
        bus=around.bus,
        clock=around.clock,
        open_scratch=lambda: nullcontext(none),
        build=around.engine.build,
        renewing=around.functions.beside,
        measure=lambda _row, _seconds: None,
        log=logging.getLogger("simulation"),
        limits=Limits(max_bytes=MOST_BYTES, hard_max_bytes=1 << 40),
        disk_bytes=400_000_000,
        code_version="simulation",
    )


def training_ports(around: Neighbours, chance: random.Random) -> Ports:
    """Return what the training service's stories are given."""
    untyped: Any = {
        "sagemaker": around.training,
        "packages": around.packages,
        "logs": around.calls.through(FakeLogs(), "logs", "tail"),
    }
    return Ports(
        jobs=JobRows(around.jobs, around.clock),
        pacing=PacingRows(around.jobs),
        models=ModelRows(around.models, around.clock),
        pipelines=Pipelines(around.pipelines),
        datasets=Datasets(around.datasets, around.data),
        releases=ReadReleases(around.releases),
        job_files=JobFiles(around.data),
        model_files=ModelFiles(around.artifacts),
        staging=around.artifacts,
        signer=SigningKey(around.key, "key-arn"),
        bus=around.bus,
        clock=around.clock,
        jitter=chance.random,
        place=Place(stage=STAGE, role_arn="role-arn", data_bucket="data", models_bucket="models"),
        recipes={"tabular": "c" * 64},
        image_uri="image:1",
        max_jobs=QUOTA,
        **untyped,
    )


def releasing(around: Neighbours) -> Releasing:
    """Return what the inference service's stories of releases are given."""
    return Releasing(
        stage=STAGE,
        role_arn="role-arn",
        releases=Releases(around.releases, around.models),
        models=Models(around.models),
        pipelines=Pipelines(around.pipelines),
        endpoints=around.endpoints,
        runtime=around.runtime,
        artifacts=SignedArtifacts(around.artifacts, around.key, "key-arn"),
        traffic=Traffic(around.predictions),
        usage=Usage(around.releases, lambda: around.scheduler.now),
        bus=around.bus,
        clock=around.clock,
        owner=around.next_owner,
        log=logging.getLogger("simulation"),
    )


def batching(around: Neighbours, releasing: Releasing, begin: Callable[[str, str], None]) -> Batching:
    """Return what the inference service's stories of batches are given."""
    return Batching(
        stage=STAGE,
        pipelines=releasing.pipelines,
        batches=Batches(around.releases),
        bucket=around.data,
        # One for all of them: that some function remembers is what matters, not which.
        router=Router(releasing.releases.current, releasing.models.get, lambda: around.scheduler.now),
        runtime=releasing.runtime,
        models=releasing.models,
        artifacts=releasing.artifacts,
        transforms=around.transforms,
        where=Where(stage=STAGE, role_arn="batch-role-arn", instance="ml.m5.large"),
        transform_from_bytes=TRANSFORM_FROM_BYTES,
        begin=begin,
        wake=lambda pipeline: release_requests.wake(releasing, pipeline),
        owner=around.next_owner,
        clock=around.clock,
        pause=around.scheduler.sleep,
        log=releasing.log,
    )


def monitoring_of(around: Neighbours, releasing: Releasing) -> Monitoring:
    """Return what the monitor is given; of what is asked nothing is captured, so columns are not compared."""
    nothing: Any = None
    return Monitoring(
        stage=STAGE,
        pipelines=releasing.pipelines,
        models=releasing.models,
        releases=releasing.releases,
        windows=Windows(around.predictions, KEPT),
        inputs=nothing,
        baselines=Baselines(around.data),
        checks=Checks(around.releases),
        bus=around.bus,
        clock=around.clock,
        log=releasing.log,
    )
