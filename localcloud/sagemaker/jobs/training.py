"""Training jobs: what is theirs alone in the control plane."""

from typing import Any, Final

from localcloud.sagemaker.jobs import job_status, metrics, training_files
from localcloud.sagemaker.jobs.operations import JobType
from localcloud.sagemaker.jobs.training_run import train
from localcloud.sagemaker.store import TRAINING_JOB, Row


def _check(request: Row) -> None:
    training_files.check_local_limits(request)
    metrics.check_definitions(request["AlgorithmSpecification"].get("MetricDefinitions") or [])


def _first_members(request: Row) -> dict[str, Any]:
    folder = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    members = {
        "TrainingJobStatus": "InProgress",
        "ModelArtifacts": {"S3ModelArtifacts": f"{folder}/model.tar.gz"},
        "StoppingCondition": request.get("StoppingCondition") or {"MaxRuntimeInSeconds": 86400},
        "EnableNetworkIsolation": bool(request.get("EnableNetworkIsolation")),
        "EnableManagedSpotTraining": bool(request.get("EnableManagedSpotTraining")),
        "EnableInterContainerTrafficEncryption": bool(request.get("EnableInterContainerTrafficEncryption")),
    }
    job_status.enter(members, "Starting")
    return members


TRAINING: Final = JobType(
    kind=TRAINING_JOB,
    check=_check,
    first_members=_first_members,
    resources=lambda row: dict(row["ResourceConfig"]),
    quota=lambda settings: settings.training_instances,
    usage=lambda row: "spot training job" if row.get("EnableManagedSpotTraining") else "training job",
    story=train,
)
