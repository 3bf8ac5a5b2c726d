"""The training service with every neighbour in memory, and what a test does to it."""

import base64
import io
import json
import tarfile
from typing import Any

import msgspec
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_rows import JobRows
from chalicelib.training.logs import LogLines, LogPosition
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.ports import Ports
from chalicelib.training.request import Place
from chalicelib.training.workflow import triggers

from shared.clock import to_text
from shared.codec import to_row
from shared.entities.dataset import (
    DatasetManifest,
    DatasetState,
    DatasetVersion,
    Part,
    RawObject,
    RowCounts,
    SplitRecord,
    TimeBounds,
)
from shared.entities.serving import Release
from shared.entities.training import ModelVersion
from shared.events import DatasetVersionReady
from shared.readers import Datasets, Pipelines, Releases
from tests.fakes import FakeBucket, FakeBus, FakeClock, FakeTable
from tests.unit.training.fake_packages import FakePackages
from tests.unit.training.fake_sagemaker import FakeSageMaker

DEFINITION = {
    "task": "classification",
    "name": "flights",
    "target": "late",
    "data": {"time": "departed_at"},
    "split": {"by": "time"},
    "gate": ["roc_auc >= 0.60", "log_loss <= champion + 0.005"],
}


class FakeSigner:
    """Signs with a counter, as ECDSA does: never the same twice."""

    def __init__(self) -> None:
        self.digests: list[bytes] = []

    def sign(self, digest: bytes) -> bytes:
        self.digests.append(digest)
        return b"signature-%d-" % len(self.digests) + digest

    def is_signed(self, digest: bytes, signature: str) -> bool:
        return (base64.b64decode(signature)[-32:], digest in self.digests) == (digest, True)


class FakeLogs:
    def __init__(self) -> None:
        self.lines: dict[str, tuple[str, ...]] = {}

    def tail(self, name: str, limit: int = 200) -> LogLines:
        if name not in self.lines:
            return LogLines()
        return self._lines(name, self.lines[name][-limit:])

    def after(self, name: str, position: LogPosition, limit: int = 200) -> LogLines:
        return self._lines(name, self.lines[name][int(position.token) :][:limit])

    def _lines(self, name: str, lines: tuple[str, ...]) -> LogLines:
        position = LogPosition(stream=f"{name}/algo-1-1", token=str(len(self.lines[name])))
        return LogLines(lines=lines, position=position)


class World:
    """One stage. ``ports`` is what workflows get; the rest is there to look at and to disturb."""

    def __init__(self, *, quota: int = 2, **definition: Any) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus()
        self.sagemaker = FakeSageMaker()
        self.packages = FakePackages()
        self.signer = FakeSigner()
        self.logs = FakeLogs()
        self.jobs_table = FakeTable("jobs", "job_id")
        self.models_table = FakeTable("models", "pipeline", "version")
        self.pipelines_table = FakeTable("pipelines", "kind", "pipeline")
        self.datasets_table = FakeTable("datasets", "pipeline", "version")
        self.releases_table = FakeTable("releases", "pipeline", "entry")
        self.data, self.models_bucket = FakeBucket("data"), FakeBucket("models")
        self.ports = self._ports(quota)
        self.define(**definition)

    def _ports(self, quota: int) -> Ports:
        untyped: Any = {
            "sagemaker": self.sagemaker,
            "packages": self.packages,
            "signer": self.signer,
            "logs": self.logs,
            "bus": self.bus,
        }
        return Ports(
            jobs=JobRows(self.jobs_table, self.clock),
            pacing=PacingRows(self.jobs_table),
            models=ModelRows(self.models_table, self.clock),
            pipelines=Pipelines(self.pipelines_table),
            datasets=Datasets(self.datasets_table, self.data),
            releases=Releases(self.releases_table),
            job_files=JobFiles(self.data),
            model_files=ModelFiles(self.models_bucket),
            staging=self.models_bucket,
            clock=self.clock,
            jitter=lambda: 1.0,
            place=Place(
                stage="test",
                role_arn="arn:aws:iam::000000000000:role/sagemaker",
                data_bucket="data",
                models_bucket="models",
            ),
            recipes={"tabular": "c" * 64},
            image_uri="000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0",
            max_jobs=quota,
            **untyped,
        )

    def define(self, **changes: Any) -> None:
        # None takes out what another task does not have.
        definition = {key: value for key, value in (DEFINITION | changes).items() if value is not None}
        now = to_text(self.clock())
        self.pipelines_table.put(
            {
                "kind": "pipeline",
                "pipeline": definition["name"],
                "definition": definition,
                "rev": 1,
                "created_at": now,
                "updated_at": now,
            }
        )

    def dataset(self, ordinal: int, *, last: str | None = None, **changes: Any) -> DatasetVersion:
        """Make a READY dataset version ``d<ordinal>`` with one part a side."""
        pipeline = changes.pop("pipeline", "flights")
        version = f"d{ordinal}"
        manifest = make_manifest(pipeline, ordinal, last or f"2026-01-{ordinal:02d}T00:00:00Z")
        key = f"datasets/{pipeline}/{version}/manifest.json"
        self.data.write(key, msgspec.json.encode(manifest))
        now = to_text(self.clock())
        row = DatasetVersion(
            **{
                "pipeline": pipeline,
                "version": version,
                "ordinal": ordinal,
                "state": DatasetState.READY,
                "bucket": "incoming",
                "key": f"incoming/{pipeline}/{ordinal}.csv",
                "manifest_uri": self.data.uri(key),
                "content_sha256": manifest.raw.sha256,
                "created_at": now,
                "updated_at": now,
                **changes,
            }
        )
        self.datasets_table.put(to_row(row))
        return row

    def ready(self, dataset: DatasetVersion) -> None:
        """Deliver DatasetVersionReady."""
        event = DatasetVersionReady(
            pipeline=dataset.pipeline,
            version=dataset.version,
            ordinal=dataset.ordinal,
            manifest_uri=dataset.manifest_uri or "",
            row_count=1000,
        )
        triggers.on_dataset_version_ready(self.ports, event)

    def changed(self, job: Job) -> None:
        """Deliver SageMaker's state change of the job's attempt."""
        triggers.on_training_job_state_change(self.ports, self.name(job))

    def decide_in_sagemaker(self, model: ModelVersion, status: str, **said: str) -> None:
        """Let a person change the package in SageMaker, and deliver its event."""
        self.packages.decide(model.package_arn or "", status, **said)
        triggers.on_model_package_state_change(self.ports, model.package_arn or "")

    def tick(self, seconds: float = 60) -> None:
        self.clock.advance(seconds)
        triggers.on_minute(self.ports)

    def name(self, job: Job) -> str:
        return sagemaker_name("test", job.job_id, job.attempt)

    def only_job(self) -> Job:
        (job,) = self.jobs()
        return job

    def jobs(self) -> list[Job]:
        found = [self.ports.jobs.find(key[0]) for key in self.jobs_table.rows]
        return sorted((job for job in found if job), key=lambda job: (job.created_at, job.dataset_ordinal))

    def models(self) -> list[ModelVersion]:
        return self.ports.models.versions("flights")

    def complete(self, job: Job, archive: bytes | None = None) -> None:
        """Let SageMaker finish the job and leave its artifact."""
        key = f"staging/{self.name(job)}/output/model.tar.gz"
        self.models_bucket.write(key, make_archive() if archive is None else archive)
        self.sagemaker.move(self.name(job), "Completed")

    def go_live(self, version: str | None) -> None:
        now = to_text(self.clock())
        self.releases_table.put(
            to_row(Release(pipeline="flights", live=version, created_at=now, updated_at=now))
        )


def make_manifest(pipeline: str, ordinal: int, last: str) -> DatasetManifest:
    sides = ("train", "validation", "test")
    parts = tuple(
        Part(
            side=side,
            key=f"datasets/{pipeline}/d{ordinal}/{side}/part-0.parquet",
            sha256="0" * 64,
            rows=500,
            size_bytes=1,
        )
        for side in sides
    )
    return DatasetManifest(
        pipeline=pipeline,
        version=f"d{ordinal}",
        ordinal=ordinal,
        raw=RawObject(bucket="incoming", key="k", version_id="1", sha256=f"{ordinal:064d}", size_bytes=1),
        rows=RowCounts(read=1500, good=1500, bad=0),
        time=TimeBounds(first="2026-01-01T00:00:00Z", last=last),
        schema={"fields": [{"name": "late", "type": "boolean"}, {"name": "distance", "type": "number"}]},
        schema_sha256="s",
        split=SplitRecord(by="time", seed=42, test=0.2, validation=0.1, rows=dict.fromkeys(sides, 500)),
        parts=parts,
        code_version="test",
    )


def make_evaluation(**changes: Any) -> dict[str, Any]:
    """Return a good evaluation without a champion; *changes* replace whole members."""
    better = {"estimate": -0.05, "low": -0.07, "high": -0.03}
    return {
        "format": 1,
        "task": "classification",
        "rows": 500,
        "trained_through": "2026-01-20T00:00:00Z",
        "primary": "log_loss",
        "metrics": {
            "challenger": {"log_loss": 0.56, "roc_auc": 0.7},
            "champion": None,
            "baseline": {"log_loss": 0.61, "roc_auc": 0.5},
        },
        "higher_is_better": {"log_loss": False, "roc_auc": True},
        "differences": {
            "champion": None,
            "baseline": {"log_loss": better, "roc_auc": {"estimate": 0.2, "low": 0.1, "high": 0.3}},
        },
        "champion_version": None,
        "champion_error": None,
        **changes,
    }


def make_serving(latency_ms: float = 4.0, **champion: Any) -> dict[str, Any]:
    """Return what ``serving.json`` says; *champion* are the members of the interval of the difference."""
    return {
        "format": 1,
        "method": "one by one",
        "requests": 100,
        "metrics": {"challenger": {"latency_p95_ms": latency_ms}, "champion": None},
        "differences": {"champion": {"latency_p95_ms": champion} if champion else None},
    }


def make_documents(evaluation: dict[str, Any] | None = None) -> dict[str, bytes]:
    return {
        "model.skops": b"not a pickle",
        "signature.json": json.dumps(
            {"format": 1, "inputs": [{"name": "distance", "type": "number"}]}
        ).encode(),
        "versions.json": json.dumps({"python": "3.12.1", "packages": {"numpy": "2.5.1"}}).encode(),
        "evaluation.json": json.dumps(evaluation or make_evaluation()).encode(),
        "serving.json": json.dumps(make_serving()).encode(),
        "golden.jsonl": b'{"record": {"distance": 1.0}, "prediction": {"value": true}}\n',
        "card.md": b"# flights\n",
        "plots/calibration.vl.json": b'{"mark": "line"}',
        "code/inference.py": b"print()\n",
    }


def make_archive(
    evaluation: dict[str, Any] | None = None, *, documents: dict[str, bytes] | None = None
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body in (documents or make_documents(evaluation)).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()
