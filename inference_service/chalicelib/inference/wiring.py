"""The adapters of this service, made from its settings when first needed: the only place that makes clients."""

import functools
import random
import time
import uuid
from datetime import timedelta

from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.baselines import Baselines
from chalicelib.inference.batch_invocations import BatchInvocations
from chalicelib.inference.batch_plan import Where
from chalicelib.inference.batch_rows import Batches
from chalicelib.inference.checks import Checks
from chalicelib.inference.endpoints import SageMakerEndpoints
from chalicelib.inference.kept_inputs import InputPolicies, KeptInputs
from chalicelib.inference.naming import batch_function, shadow_function
from chalicelib.inference.prediction_log import PredictionRecords
from chalicelib.inference.recording import LogRecorder
from chalicelib.inference.releases import Releases
from chalicelib.inference.router import Router
from chalicelib.inference.runtime import SageMakerRuntime
from chalicelib.inference.settings import Settings
from chalicelib.inference.shadow_copies import ShadowCopies, impatient_client
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.transforms import SageMakerTransforms
from chalicelib.inference.usage import Usage
from chalicelib.inference.windows import Windows
from chalicelib.inference.workflow import requests
from chalicelib.inference.workflow.batches import Batching
from chalicelib.inference.workflow.context import Logging, Predicting, Releasing
from chalicelib.inference.workflow.monitoring import Monitoring

from shared import log
from shared.auth import Tokens
from shared.aws import client, dynamodb, event_bridge, s3, sagemaker_runtime, secrets_manager
from shared.bus import Bus
from shared.clock import utc_now
from shared.http.idempotency import Replies
from shared.objects import Bucket
from shared.readers import Models, Pipelines
from shared.secrets import HashKey, OriginSecret
from shared.tables import Table

logger = log.logger("inference")


class Wiring:
    """Each part is built once per process; tests put their own in its place."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @functools.cached_property
    def origin_secret(self) -> OriginSecret:
        """What CloudFront must send."""
        return OriginSecret(secrets_manager(), self.settings.origin_secret_arn)

    @functools.cached_property
    def tokens(self) -> Tokens:
        """Who may call."""
        return Tokens(self._table(self.settings.tokens_table, "token_sha256"))

    @functools.cached_property
    def replies(self) -> Replies:
        """The answers given under an Idempotency-Key."""
        return Replies(self._table(self.settings.idempotency_table, "id"), utc_now, logger)

    @functools.cached_property
    def releasing(self) -> Releasing:
        """What the release workflows work with."""
        return Releasing(
            stage=self.settings.stage,
            role_arn=self.settings.sagemaker_role_arn,
            releases=self._releases,
            models=self._models,
            pipelines=self._pipelines,
            endpoints=SageMakerEndpoints(client("sagemaker")),
            runtime=self._runtime,
            artifacts=self._artifacts,
            traffic=self._traffic,
            usage=self._usage,
            bus=Bus(event_bridge(), self.settings.stage),
            clock=utc_now,
            owner=lambda: uuid.uuid4().hex,
            log=logger,
        )

    @functools.cached_property
    def predicting(self) -> Predicting:
        """What the prediction routes work with."""
        return Predicting(
            stage=self.settings.stage,
            pipelines=self._pipelines,
            router=Router(self._releases.current, self._models.get, time.monotonic),
            runtime=self._runtime,
            recorder=LogRecorder(),
            records=PredictionRecords(self._predictions),
            inputs=self._inputs,
            traffic=self._traffic,
            usage=self._usage,
            copies=ShadowCopies(impatient_client, shadow_function(self.settings.stage), logger),
            clock=utc_now,
            # Only who meets a sleeping pipeline needs the clients of a release.
            wake=lambda pipeline: requests.wake(self.releasing, pipeline),
            draw=random.random,
            pause=time.sleep,
            seconds=time.perf_counter,
            log=logger,
        )

    @functools.cached_property
    def logging(self) -> Logging:
        """What is remembered of predictions, and the truth about them."""
        kept_days = self.settings.predictions_ttl_days
        return Logging(
            stage=self.settings.stage,
            ttl_days=kept_days,
            pipelines=self._pipelines,
            records=PredictionRecords(self._predictions),
            windows=Windows(self._predictions, timedelta(days=kept_days)),
            releases=self._releases,
            traffic=self._traffic,
            clock=utc_now,
            pause=time.sleep,
            log=logger,
        )

    @functools.cached_property
    def batching(self) -> Batching:
        """What batch predictions work with."""
        stage = self.settings.stage
        functions = BatchInvocations(client("lambda"), batch_function(stage), logger)
        return Batching(
            stage=stage,
            pipelines=self._pipelines,
            batches=Batches(self._releases_table),
            bucket=Bucket(s3(), self.settings.data_bucket),
            router=self.predicting.router,
            runtime=self._runtime,
            models=self._models,
            artifacts=self._artifacts,
            transforms=SageMakerTransforms(client("sagemaker")),
            where=Where(
                stage=stage, role_arn=self.settings.batch_role_arn, instance=self.settings.batch_instance
            ),
            transform_from_bytes=self.settings.batch_transform_from_bytes,
            begin=functions.begin,
            wake=lambda pipeline: requests.wake(self.releasing, pipeline),
            owner=lambda: uuid.uuid4().hex,
            clock=utc_now,
            pause=time.sleep,
            log=logger,
        )

    @functools.cached_property
    def monitoring(self) -> Monitoring:
        """What the monitor works with."""
        return Monitoring(
            stage=self.settings.stage,
            pipelines=self._pipelines,
            models=self._models,
            releases=self._releases,
            windows=self.logging.windows,
            inputs=self._inputs,
            baselines=Baselines(Bucket(s3(), self.settings.data_bucket)),
            checks=Checks(self._releases_table),
            bus=Bus(event_bridge(), self.settings.stage),
            clock=utc_now,
            log=logger,
        )

    @functools.cached_property
    def _artifacts(self) -> SignedArtifacts:
        models = Bucket(s3(), self.settings.models_bucket)
        return SignedArtifacts(models, client("kms"), self.settings.signing_key_arn)

    @functools.cached_property
    def _inputs(self) -> KeptInputs:
        policies = InputPolicies(
            lambda pipeline: self._pipelines.definition(pipeline).monitor.inputs, time.monotonic, logger
        )
        secret = HashKey(secrets_manager(), self.settings.input_hash_secret_arn)
        return KeptInputs(
            policies, Bucket(s3(), self.settings.data_bucket), secret.value, self.settings.stage, logger
        )

    @functools.cached_property
    def _releases_table(self) -> Table:
        return self._table(self.settings.releases_table, "pipeline", "entry")

    @functools.cached_property
    def _releases(self) -> Releases:
        return Releases(self._releases_table, self._models.table)

    @functools.cached_property
    def _usage(self) -> Usage:
        return Usage(self._releases_table, time.monotonic)

    @functools.cached_property
    def _models(self) -> Models:
        return Models(self._table(self.settings.models_table, "pipeline", "version"))

    @functools.cached_property
    def _pipelines(self) -> Pipelines:
        return Pipelines(self._table(self.settings.pipelines_table, "kind", "pipeline"))

    @functools.cached_property
    def _predictions(self) -> Table:
        return self._table(self.settings.predictions_table, "request_id", "chunk")

    @functools.cached_property
    def _traffic(self) -> Traffic:
        return Traffic(self._predictions)

    @functools.cached_property
    def _runtime(self) -> SageMakerRuntime:
        return SageMakerRuntime(sagemaker_runtime())

    def _table(self, name: str, *keys: str) -> Table:
        return Table(dynamodb(), name, *keys)
