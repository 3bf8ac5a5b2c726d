"""Processing jobs: what is theirs alone in the control plane."""

from typing import Any, Final

from localcloud.sagemaker.jobs import processing_files
from localcloud.sagemaker.jobs.operations import JobType
from localcloud.sagemaker.jobs.processing_run import process
from localcloud.sagemaker.store import PROCESSING_JOB, Row


def _first_members(request: Row) -> dict[str, Any]:
    return {
        "ProcessingJobStatus": "InProgress",
        "StoppingCondition": request.get("StoppingCondition") or {"MaxRuntimeInSeconds": 86400},
    }


PROCESSING: Final = JobType(
    kind=PROCESSING_JOB,
    check=processing_files.check_local_limits,
    first_members=_first_members,
    resources=lambda row: dict(row["ProcessingResources"]["ClusterConfig"]),
    quota=lambda settings: settings.processing_instances,
    usage=lambda _: "processing job",
    story=process,
)
