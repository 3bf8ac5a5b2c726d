"""The training service with tables in memory, and real S3, SageMaker and logs of the local cloud."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from chalicelib.training.job import Job
from chalicelib.training.job_files import JobFiles
from chalicelib.training.logs import TrainingLogs
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.ports import Ports
from chalicelib.training.sagemaker import SageMakerJobs

from shared.entities.dataset import DatasetVersion
from shared.objects import Bucket
from shared.readers import Datasets
from tests import clouds
from tests.integration.sagemaker.harness import Cloud, tar, wait_for, write_faults
from tests.unit.training.world import World, make_documents

DATA, MODELS, STAGE_ROLE = "jobs-data", "jobs-models", "sagemaker"
ENDED = ("Completed", "Failed", "Stopped")

# Stands in for a recipe: what it does is what parameters.json says in model.params.
RECIPE = """
import json, os, sys, time
params = json.load(open("/opt/ml/input/data/parameters/parameters.json"))["params"]
checkpoint = "/opt/ml/checkpoints/begun"
print("resumed" if os.path.exists(checkpoint) else "begins", flush=True)
if params.get("waits") and not os.path.exists(checkpoint):
    open(checkpoint, "w").close()
    time.sleep(60)
if params.get("fails"):
    raise ValueError("password=hunter2: no column 'late' in /opt/ml/input/data/train/part-0.parquet")
documents = json.load(open(os.path.join(os.path.dirname(__file__), "documents.json")))
for name, body in documents.items():
    path = os.path.join("/opt/ml/model", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").write(body)
"""


@dataclass(frozen=True, kw_only=True)
class LiveCloud:
    """The local cloud of a test session."""

    cloud: Cloud
    faults: Path

    def make_faults(self, *wanted: dict[str, Any]) -> None:
        """Ask for faults of jobs to come, instead of those before: a job that has ended may be on its way out still."""
        listed = self.cloud.sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
        past = "|".join(row["TrainingJobName"] for row in listed)
        write_faults(self.faults, *({**one, "jobs": f"^(?!(?:{past})$).*{one['jobs']}"} for one in wanted))


class LiveWorld(World):
    """One stage whose jobs really run. ``instance`` keeps tests from meeting in the quota of one type."""

    def __init__(self, live: LiveCloud, instance: str, *, params: dict[str, Any] | None = None) -> None:
        self._live = live
        train = {"instance": instance, "max_minutes": 1}
        super().__init__(
            name=f"flights-{instance.rpartition('.')[2]}", model={"params": params or {}}, train=train
        )
        self.clock.now = _now()

    def _ports(self, quota: int) -> Ports:
        cloud = self._live.cloud
        s3 = clouds.s3(cloud.s3.meta.endpoint_url)
        self.data = Bucket(s3, DATA)  # type: ignore[assignment]
        self.models_bucket = Bucket(s3, MODELS)  # type: ignore[assignment]
        ports = super()._ports(quota)
        documents = {name: body.decode() for name, body in make_documents().items()}
        code = tar({"train.py": RECIPE, "documents.json": json.dumps(documents)})
        sha256 = ports.recipes["tabular"]
        self.models_bucket.write(f"code/{sha256}/sourcedir.tar.gz", code)
        image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0"
        place = msgspec.structs.replace(ports.place, data_bucket=DATA, models_bucket=MODELS)
        return msgspec.structs.replace(
            ports,
            datasets=Datasets(self.datasets_table, self.data),
            job_files=JobFiles(self.data),
            model_files=ModelFiles(self.models_bucket),
            staging=self.models_bucket,
            sagemaker=SageMakerJobs(cloud.sagemaker),
            logs=TrainingLogs(cloud.logs),
            image_uri=image,
            place=place,
        )

    @property
    def pipeline(self) -> str:
        """The one pipeline of this stage."""
        return str(next(iter(self.pipelines_table.rows))[1])

    def upload(self, ordinal: int = 1) -> Job:
        """Let a dataset version be ready, and return the job it asks for."""
        dataset: DatasetVersion = self.dataset(ordinal, pipeline=self.pipeline)
        for side in ("train", "validation", "test"):
            self.data.write(f"datasets/{self.pipeline}/d{ordinal}/{side}/part-0.parquet", b"rows")
        self.ready(dataset)
        return self.jobs()[-1]

    def wait(self, job: Job) -> dict[str, Any]:
        """Wait for the end of the job's present attempt in SageMaker, as nobody tells of it here."""
        found: dict[str, Any] = self._live.cloud.wait_for_job(self.name(self.ports.jobs.get(job.job_id)))
        return found

    def settled(self, job: Job) -> Job:
        """Let every minute pass until the job is at rest, through all its attempts; by SageMaker's own clock."""

        def at_rest() -> Job | None:
            self.clock.now = _now()
            self.tick(0)
            found = self.ports.jobs.get(job.job_id)
            return found if found.ended_at else None

        return wait_for(at_rest, 90, f"job {job.job_id} comes to rest")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
