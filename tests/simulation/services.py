"""The three services as they are deployed, over simulated neighbours: triggers, time limits, what Lambda tries again."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chalicelib.inference.workflow import batch_work, batches, deleting, monitoring, rollout, tidying
from chalicelib.inference.workflow import requests as release_requests
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.reconcile import reconcile as reconcile_uploads
from chalicelib.ingest.workflow import handle_job_change, handle_upload
from chalicelib.training.workflow import triggers

from shared.errors import Unavailable
from shared.events import DatasetVersionReady, DriftDetected, ModelVersionApproved, PipelineDeleted
from tests.simulation.adapters import batching, ingest_adapters, monitoring_of, releasing, training_ports
from tests.simulation.functions import Function
from tests.simulation.neighbours import Neighbours
from tests.simulation.processing import PROCESSING_CHANGED
from tests.simulation.sagemaker import ENDPOINT_CHANGED, JOB_CHANGED
from tests.simulation.transforms import TRANSFORM_CHANGED

OBJECT_CREATED = "Object Created"
# Time limits as in each service's .chalice/templates/config.json.
INGEST = Function(name="ingest", timeout_s=900)
TRAINING = Function(name="training", timeout_s=60)
TRAINING_JOBS = Function(name="training-job", timeout_s=240)
TRAINING_TICK = Function(name="training-tick", timeout_s=240)
RELEASES = Function(name="inference", timeout_s=90)
INFERENCE_TICK = Function(name="inference-tick", timeout_s=110)
MONITOR = Function(name="monitor", timeout_s=110)
TRANSFORM_ENDS = Function(name="transform-ends", timeout_s=30)
DELETED = Function(name="inference-deleted", timeout_s=60)
BATCH = Function(name="batch", timeout_s=900)
OUT_OF_TIME = 0.1  # of the portions of a batch find no more time for another


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


class Services:
    """The three services, their functions bound to the bus and the minute as their ``app.py`` binds them."""

    def __init__(self, around: Neighbours, chance: random.Random) -> None:
        self.ingest = ingest_adapters(around)
        self.training = training_ports(around, chance)
        self.inference = releasing(around)
        invocations = Invocations(around, chance, self._work_on_batch)
        self.batching = batching(around, self.inference, invocations.begin)
        self.monitoring = monitoring_of(around, self.inference)
        self._chance = chance
        bus = around.bus
        bus.rule(OBJECT_CREATED, INGEST, self._on_object_created)
        bus.rule(PROCESSING_CHANGED, INGEST, self._on_processing_changed)
        bus.rule("DatasetVersionReady", TRAINING, self._on_ready)
        bus.rule(JOB_CHANGED, TRAINING_JOBS, self._on_job_changed)
        bus.rule("ModelVersionApproved", RELEASES, self._on_approved)
        bus.rule(ENDPOINT_CHANGED, RELEASES, self._on_endpoint_changed)
        bus.rule("DriftDetected", TRAINING, self._on_drift)
        bus.rule("PipelineDeleted", TRAINING, self._on_deleted_in_training)
        bus.rule("PipelineDeleted", DELETED, self._on_deleted_in_inference)
        bus.rule(TRANSFORM_CHANGED, TRANSFORM_ENDS, self._on_transform_ended)
        self.ticks = (
            (INGEST, lambda request: reconcile_uploads(request, self.ingest)),
            (TRAINING_TICK, lambda _: triggers.on_minute(self.training)),
            (INFERENCE_TICK, self._reconcile_inference),
            (MONITOR, lambda _: monitoring.check_all(self.monitoring)),
        )

    def _reconcile_inference(self, _: str) -> None:
        batches.stop_deleted(self.batching)
        tidying.reconcile(self.inference)
        batch_work.go_on(self.batching)

    def _on_deleted_in_training(self, detail: dict[str, Any], _: str) -> None:
        triggers.on_pipeline_deleted(self.training, PipelineDeleted.from_detail(detail))

    def _on_deleted_in_inference(self, detail: dict[str, Any], _: str) -> None:
        deleting.take_down(self.inference, PipelineDeleted.from_detail(detail).pipeline)

    def _on_drift(self, detail: dict[str, Any], _: str) -> None:
        triggers.on_drift_detected(self.training, DriftDetected.from_detail(detail))

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
