"""A stage in memory: the tables of the shared fakes, a signing key that really signs, and a SageMaker in a dict."""

import base64
import hashlib
import json
import logging
from collections.abc import Buffer
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from botocore.exceptions import ClientError
from chalicelib.inference.answers import Answer
from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.attempts import Copy
from chalicelib.inference.baselines import Baselines
from chalicelib.inference.batch_plan import Where
from chalicelib.inference.batch_rows import Batches
from chalicelib.inference.checks import Checks
from chalicelib.inference.kept_inputs import InputPolicies, KeptInputs
from chalicelib.inference.log_lines import LogLine, spell
from chalicelib.inference.naming import served_by
from chalicelib.inference.plan import EndpointPlan
from chalicelib.inference.ports import EndpointState
from chalicelib.inference.prediction_log import PredictionRecords
from chalicelib.inference.releases import Releases
from chalicelib.inference.router import Router
from chalicelib.inference.states import CurrentRelease, Request
from chalicelib.inference.tally import Tally, bucket_of
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.usage import Usage
from chalicelib.inference.windows import Windows
from chalicelib.inference.workflow import requests, writing
from chalicelib.inference.workflow.batches import Batching
from chalicelib.inference.workflow.context import Logging, Predicting, Releasing
from chalicelib.inference.workflow.monitoring import Monitoring
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from shared.codec import to_row
from shared.entities.training import ModelFile, ModelManifest, ModelState, ModelVersion
from shared.errors import NotFound, Unavailable
from shared.readers import Models, Pipelines
from tests.fakes import FakeBucket, FakeBus, FakeClock, FakeTable

KEY = ec.generate_private_key(ec.SECP256R1())
ECDSA = ec.ECDSA(Prehashed(hashes.SHA256()))
INPUTS = {
    "task": "classification",
    "target": {"name": "late", "type": "boolean"},
    "inputs": [
        {"name": "distance", "type": "integer", "required": True, "categories": None},
        {"name": "delay", "type": "number", "required": False, "categories": None},
        {"name": "carrier", "type": "string", "required": True, "categories": ["AA", "UA"]},
        {"name": "weekend", "type": "boolean", "required": False, "categories": None},
        {"name": "departed_at", "type": "datetime", "required": False, "categories": None},
        {"name": "day/of~sale", "type": "date", "required": False, "categories": None},
    ],
    "classes": [False, True],
}


class FakeKms:
    """Verifies as KMS does: a wrong signature is an error, not an answer."""

    def verify(self, **request: Any) -> dict[str, bool]:
        how = (request["KeyId"], request["MessageType"], request["SigningAlgorithm"])
        assert how == ("key-arn", "DIGEST", "ECDSA_SHA_256")
        try:
            KEY.public_key().verify(request["Signature"], request["Message"], ECDSA)
        except InvalidSignature:
            answer = {
                "Error": {"Code": "KMSInvalidSignatureException"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, "Verify") from None
        return {"SignatureValid": True}


class FakeEndpoints:
    """SageMaker's endpoints in a dict; a created one waits until :meth:`finish`."""

    def __init__(self) -> None:
        self.made: dict[str, EndpointState] = {}
        self.leftovers: set[str] = set()
        self.deleted: list[str] = []
        self.created: list[EndpointPlan] = []

    def describe(self, name: str) -> EndpointState | None:
        return self.made.get(name)

    def create(self, plan: EndpointPlan) -> None:
        assert plan.name not in self.made, "an endpoint is created once"
        variant = plan.config["ProductionVariants"][0]
        self.created.append(plan)
        self.made[plan.name] = EndpointState(
            status="Creating", content=plan.content, is_serverless="ServerlessConfig" in variant
        )

    def delete(self, name: str) -> None:
        state = self.made.get(name)
        if state and state.status == "Creating":
            return
        self.deleted.append(name)
        self.made.pop(name, None)
        self.leftovers.discard(name)

    def names(self, prefix: str) -> set[str]:
        return {name for name in self.made.keys() | self.leftovers if name.startswith(prefix)}

    def finish(self, name: str | None = None, status: str = "InService", reason: str = "") -> None:
        """Let what is being created become *status*."""
        for made, state in self.made.items():
            if state.status == "Creating" and name in {None, made}:
                self.made[made] = msgspec.structs.replace(state, status=status, reason=reason)


class FakeRuntime:
    """Answers as the model of each version does: its golden rows, or what a test puts in ``wrong``."""

    def __init__(self, stage: str, endpoints: FakeEndpoints) -> None:
        self._stage = stage
        self._endpoints = endpoints
        self.wrong: dict[str, Any] = {}
        self.asked: list[tuple[str, bytes]] = []
        self.patience_s: list[float | None] = []
        self.error: Exception | None = None
        self.errors: list[Exception] = []

    def invoke(
        self, endpoint: str, records: Buffer, row_count: int, *, within_s: float | None = None
    ) -> list[Answer]:
        self.asked.append((endpoint, bytes(records)))
        self.patience_s.append(within_s)
        if self.errors:
            raise self.errors.pop(0)
        if self.error:
            raise self.error
        state = self._endpoints.describe(endpoint)
        if state is None or state.status != "InService":
            raise NotFound(f"endpoint {endpoint} is not in service")
        rows = json.loads(bytes(records))
        assert len(rows) == row_count
        served = served_by(self._stage, endpoint)
        assert served is not None, f"{endpoint} is not an endpoint of this stage"
        version = served[1]
        return [answer_of(version, row) for row in rows] if version not in self.wrong else self.wrong[version]


def answer_of(version: str, record: dict[str, Any]) -> Answer:
    """Return what the model *version* says of *record*: a third of it, so that floats are not round."""
    score = (record["distance"] % 100 + int(version[1:])) / 300
    return Answer(value=score > 0.5, scores={"false": 1 - score, "true": score})


class FakeCopies:
    """Keeps the copies for the shadow as the event of the invocation that each would be."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def begin(self, copy: Copy) -> None:
        self.events.append(json.loads(msgspec.json.encode(copy)))

    def finish(self) -> None:
        """Nothing is on its way any more."""


class FakeLog:
    """The function's log, and a subscription that delivers at once unless it is ``paused``."""

    def __init__(self, deliver: Any) -> None:
        self.lines: list[str] = []
        self.paused = False
        self._waiting: list[str] = []
        self._deliver = deliver

    def write(self, line: LogLine) -> None:
        """Take a line."""
        texts = spell(line)
        self.lines += texts
        self._waiting += texts
        if not self.paused:
            self.resume()

    def resume(self) -> None:
        """Deliver what waits."""
        self.paused = False
        waiting, self._waiting = self._waiting, []
        self._deliver(waiting)


def tally_of(requests: int, *, errors: int = 0, ms: float = 20) -> Tally:
    """Return the tally of warm *requests* of *ms* each, some of which failed."""
    return Tally(requests=requests, errors=errors, latencies={bucket_of(ms): requests - errors})


class Stage:
    """Everything the release workflows touch, with what tests need to look inside."""

    def __init__(self, **release: Any) -> None:
        self.clock = FakeClock()
        self.monotonic = 0.0
        self.seconds = 0.0
        self.pauses: list[float] = []
        self.releases = FakeTable("releases", "pipeline", "entry")
        self.models = FakeTable("models", "pipeline", "version")
        self.pipelines = FakeTable("pipelines", "kind", "pipeline")
        self.predictions = FakeTable("predictions", "request_id", "chunk")
        self.bucket = FakeBucket("models")
        self.endpoints = FakeEndpoints()
        self.runtime = FakeRuntime("test", self.endpoints)
        self.bus = FakeBus()
        self.copies = FakeCopies()
        self.data = FakeBucket("data")
        self.log = FakeLog(lambda lines: writing.write(self.remembering, lines))
        self.owners = 0
        self.add_pipeline("flights", **release)
        self.adapters = self.wire()
        self.remembering: Logging = self.wire_remembering()
        self.predicting = self.wire_predicting()
        self.begun: list[tuple[str, str]] = []
        self.batching: Batching = self.wire_batching()

    def wire(self) -> Releasing:
        return Releasing(
            stage="test",
            role_arn="role-arn",
            releases=Releases(self.releases, self.models),
            models=Models(self.models),
            pipelines=Pipelines(self.pipelines),
            endpoints=self.endpoints,
            runtime=self.runtime,
            artifacts=SignedArtifacts(self.bucket, FakeKms(), "key-arn"),
            traffic=Traffic(self.predictions),
            usage=Usage(self.releases, lambda: self.monotonic),
            bus=self.bus,
            clock=self.clock,
            owner=self._owner,
            log=logging.getLogger("test"),
        )

    def wire_predicting(self) -> Predicting:
        """Return what the prediction routes of one warm function work with."""
        releasing = self.adapters
        return Predicting(
            stage="test",
            pipelines=releasing.pipelines,
            router=Router(
                releasing.releases.current, releasing.models.get, lambda: self.monotonic, lambda: 0.5
            ),
            runtime=self.runtime,
            recorder=self.log,
            records=PredictionRecords(self.predictions),
            inputs=self._inputs(),
            traffic=releasing.traffic,
            usage=releasing.usage,
            copies=self.copies,
            clock=self.clock,
            wake=lambda pipeline: requests.wake(releasing, pipeline),
            draw=lambda: 0.5,
            pause=self.pauses.append,
            seconds=lambda: self.seconds,
            log=logging.getLogger("test"),
        )

    def wire_remembering(self) -> Logging:
        """Return what the log's writer and labels work with."""
        return Logging(
            stage="test",
            ttl_days=30,
            pipelines=self.adapters.pipelines,
            records=PredictionRecords(self.predictions),
            windows=Windows(self.predictions, timedelta(days=30)),
            releases=self.adapters.releases,
            traffic=self.adapters.traffic,
            clock=self.clock,
            pause=self.pauses.append,
            log=logging.getLogger("test"),
        )

    def wire_batching(self) -> Batching:
        """Return what batches work with; what is begun is only noted."""
        return Batching(
            stage="test",
            pipelines=self.adapters.pipelines,
            batches=Batches(self.releases),
            bucket=self.data,
            router=self.predicting.router,
            runtime=self.runtime,
            models=self.adapters.models,
            artifacts=self.adapters.artifacts,
            transforms=cast("Any", None),
            where=Where(stage="test", role_arn="batch-role-arn", instance="ml.m5.large"),
            transform_from_bytes=10**9,
            begin=lambda pipeline, batch_id: self.begun.append((pipeline, batch_id)),
            wake=lambda pipeline: requests.wake(self.adapters, pipeline),
            owner=self._owner,
            clock=self.clock,
            pause=self.pauses.append,
            log=logging.getLogger("test"),
        )

    def wire_monitoring(self) -> Monitoring:
        """Return what the monitor works with."""
        return Monitoring(
            stage="test",
            pipelines=self.adapters.pipelines,
            models=self.adapters.models,
            releases=self.adapters.releases,
            windows=self.remembering.windows,
            inputs=self.predicting.inputs,
            baselines=Baselines(self.data),
            checks=Checks(self.releases),
            bus=self.bus,
            clock=self.clock,
            log=logging.getLogger("test"),
        )

    def _inputs(self) -> KeptInputs:
        policies = InputPolicies(
            lambda name: self.adapters.pipelines.definition(name).monitor.inputs,
            lambda: self.monotonic,
            logging.getLogger("test"),
        )
        return KeptInputs(policies, self.data, lambda: b"key", "test", logging.getLogger("test"))

    def add_pipeline(self, name: str, inputs: Any = "full", **release: Any) -> None:
        """Store a definition; *release* is its section of that name, *inputs* what is kept of requests."""
        definition = {
            "name": name,
            "task": "classification",
            "target": "late",
            "release": release,
            "monitor": {"inputs": inputs},
        }
        self.pipelines.put(
            {
                "kind": "pipeline",
                "pipeline": name,
                "definition": definition,
                "rev": 1,
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
            }
        )

    def add_model(self, version: str, champion: str | None = None, **changes: Any) -> ModelVersion:
        """Register an approved, signed model version with its files."""
        model = signed_model(self.bucket, version, champion, changes.get("inputs", INPUTS))
        model = msgspec.structs.replace(model, **changes)
        self.models.put(to_row(model))
        return model

    def release(self, pipeline: str = "flights") -> CurrentRelease:
        release: CurrentRelease | None = self.adapters.releases.current(pipeline)
        assert release is not None
        return release

    def request(self, why: str = "because") -> Request:
        return Request(who="ada", why=why, at=self.clock())

    def _owner(self) -> str:
        self.owners += 1
        return f"worker-{self.owners}"


def signed_model(
    bucket: FakeBucket, version: str, champion: str | None, inputs: dict[str, Any] = INPUTS
) -> ModelVersion:
    folder = f"models/flights/{version}"
    artifact = f"the model {version}".encode()
    records = [{"distance": 100 * n + 7 * n, "carrier": "AA", "delay": None} for n in range(5)]
    golden = b"".join(
        msgspec.json.encode({"record": record, "prediction": answer_of(version, record)}) + b"\n"
        for record in records
    )
    files = {
        "model.tar.gz": artifact,
        "golden.jsonl": golden,
        "signature.json": msgspec.json.encode(inputs),
    }
    for name, content in files.items():
        bucket.write(f"{folder}/{name}", content)
    manifest = msgspec.json.encode(manifest_of(folder, version, files, champion))
    bucket.write(f"{folder}/manifest.json", manifest)
    digest = hashlib.sha256(manifest).digest()
    signature = KEY.sign(digest, ECDSA)
    bucket.write(f"{folder}/manifest.sig", signature)
    return ModelVersion(
        pipeline="flights",
        version=version,
        number=int(version[1:]),
        state=ModelState.APPROVED,
        job_id=f"job-{version}",
        task="classification",
        artifact_uri=bucket.uri(f"{folder}/model.tar.gz"),
        artifact_version_id=bucket.head(f"{folder}/model.tar.gz").version_id,
        artifact_sha256=hashlib.sha256(artifact).hexdigest(),
        manifest_uri=bucket.uri(f"{folder}/manifest.json"),
        manifest_sha256=digest.hex(),
        manifest_signature=base64.b64encode(signature).decode(),
        image_uri="image:1",
        recipe="tabular",
        recipe_sha256="r",
        dataset_version="d1",
        dataset_versions=("d1",),
        evaluated_champion=champion,
        inputs=inputs,
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
    )


def manifest_of(folder: str, version: str, files: dict[str, bytes], champion: str | None) -> ModelManifest:
    described = {
        name: ModelFile(
            key=f"{folder}/{name}", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)
        )
        for name, content in files.items()
    }
    return ModelManifest(
        pipeline="flights",
        version=version,
        job_id=f"job-{version}",
        attempt=1,
        artifact=described["model.tar.gz"],
        files=tuple(described.values()),
        dataset_versions=("d1",),
        recipe="tabular",
        recipe_sha256="r",
        image_uri="image:1",
        parameters_sha256="p",
        input_sha256="i",
        evaluated_champion=champion,
        versions={},
    )


NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOWN = Unavailable("SageMaker is down")
