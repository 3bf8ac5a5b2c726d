"""The three services as they are deployed, over simulated neighbours: adapters, triggers, time limits."""

import logging
import random
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.batch_plan import Where
from chalicelib.inference.batch_rows import Batches
from chalicelib.inference.releases import Releases
from chalicelib.inference.router import Router
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.usage import Usage
from chalicelib.inference.workflow import batch_work, rollout, tidying
from chalicelib.inference.workflow import requests as release_requests
from chalicelib.inference.workflow.batches import Batching
from chalicelib.inference.workflow.context import Releasing
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles as ProcessingFiles
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.reconcile import reconcile as reconcile_uploads
from chalicelib.ingest.workflow import handle_job_change, handle_upload
from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_rows import JobRows
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.ports import Ports
from chalicelib.training.request import Place
from chalicelib.training.workflow import triggers

from shared.errors import Unavailable
from shared.events import DatasetVersionReady, ModelVersionApproved
from shared.readers import Datasets, Models, Pipelines
from shared.readers import Releases as ReadReleases
from shared.signing import SigningKey
from tests.simulation.engine import MOST_BYTES
from tests.simulation.functions import Function
from tests.simulation.neighbours import Neighbours
from tests.simulation.processing import PROCESSING_CHANGED
from tests.simulation.sagemaker import ENDPOINT_CHANGED, JOB_CHANGED
from tests.simulation.transforms import TRANSFORM_CHANGED
from tests.unit.ingest.world import PLACE as INGEST_PLACE
from tests.unit.training.world import FakeLogs

STAGE = "test"
QUOTA = 4
OBJECT_CREATED = "Object Created"
# Time limits as in each service's .chalice/templates/config.json.
INGEST = Function(name="ingest", timeout_s=900)
TRAINING = Function(name="training", timeout_s=60)
TRAINING_JOBS = Function(name="training-job", timeout_s=240)
TRAINING_TICK = Function(name="training-tick", timeout_s=240)
RELEASES = Function(name="inference", timeout_s=90)
INFERENCE_TICK = Function(name="inference-tick", timeout_s=110)
TRANSFORM_ENDS = Function(name="transform-ends", timeout_s=30)
BATCH = Function(name="batch", timeout_s=900)
OUT_OF_TIME = 0.1  # of the portions of a batch find no more time for another
TRANSFORM_FROM_BYTES = 60


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


class Invocations:
    """Lambda's asynchronous Invoke: what it took is begun at least once; where it takes nothing, the next tick begins."""

    def __init__(self, around: Neighbours, chance: random.Random, work: Callable[[str, str], None]) -> None:
        self._around = around
        self._chance = chance
        self._work = work
        around.calls.through(self, "lambda", "send")

    def begin(self, pipeline: str, batch_id: str) -> None:
        """Begin with a batch, as the adapter does."""
        with suppress(Unavailable):
            self.send(pipeline, batch_id)

    def send(self, pipeline: str, batch_id: str) -> None:
        for _ in range(2 if self._chance.random() < self._around.calls.rates.duplicated else 1):
            self._around.functions.invoke(BATCH, lambda _: self._work(pipeline, batch_id))


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


class Services:
    """The three services, their functions bound to the bus and the minute as their ``app.py`` binds them."""

    def __init__(self, around: Neighbours, chance: random.Random) -> None:
        self.ingest = ingest_adapters(around)
        self.training = training_ports(around, chance)
        self.inference = releasing(around)
        invocations = Invocations(around, chance, self._work_on_batch)
        self.batching = batching(around, self.inference, invocations.begin)
        self._chance = chance
        bus = around.bus
        bus.rule(OBJECT_CREATED, INGEST, self._on_object_created)
        bus.rule(PROCESSING_CHANGED, INGEST, self._on_processing_changed)
        bus.rule("DatasetVersionReady", TRAINING, self._on_ready)
        bus.rule(JOB_CHANGED, TRAINING_JOBS, self._on_job_changed)
        bus.rule("ModelVersionApproved", RELEASES, self._on_approved)
        bus.rule(ENDPOINT_CHANGED, RELEASES, self._on_endpoint_changed)
        bus.rule(TRANSFORM_CHANGED, TRANSFORM_ENDS, self._on_transform_ended)
        self.ticks = (
            (INGEST, lambda request: reconcile_uploads(request, self.ingest)),
            (TRAINING_TICK, lambda _: triggers.on_minute(self.training)),
            (INFERENCE_TICK, self._reconcile_inference),
        )

    def _reconcile_inference(self, _: str) -> None:
        tidying.reconcile(self.inference)
        batch_work.go_on(self.batching)

    def _on_transform_ended(self, detail: dict[str, Any], _: str) -> None:
        batch_work.on_job_ended(self.batching, detail)

    def _work_on_batch(self, pipeline: str, batch_id: str) -> None:
        # Now and then the time of the function is nearly over.
        batch_work.work(self.batching, pipeline, batch_id, lambda: self._chance.random() > OUT_OF_TIME)

    def _on_object_created(self, detail: dict[str, Any], request_id: str) -> None:
        handle_upload(Upload(**detail), request_id, self.ingest)

    def _on_processing_changed(self, detail: dict[str, Any], request_id: str) -> None:
        handle_job_change(detail["ProcessingJobName"], request_id, self.ingest)

    def _on_ready(self, detail: dict[str, Any], _: str) -> None:
        triggers.on_dataset_version_ready(self.training, DatasetVersionReady.from_detail(detail))

    def _on_job_changed(self, detail: dict[str, Any], _: str) -> None:
        triggers.on_training_job_state_change(self.training, detail["TrainingJobName"])

    def _on_approved(self, detail: dict[str, Any], _: str) -> None:
        release_requests.on_model_approved(self.inference, ModelVersionApproved.from_detail(detail))

    def _on_endpoint_changed(self, detail: dict[str, Any], _: str) -> None:
        rollout.on_endpoint_changed(self.inference, detail["EndpointName"])
