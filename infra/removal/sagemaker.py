"""What the services made in SageMaker: endpoints and what they serve, jobs, the registry."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from infra.calls import Call
from infra.errors import DestroyFailed
from infra.removal import kinds
from infra.removal.kinds import Find, Remove, is_of_stage, pages
from infra.stage import Stage

# SageMaker's words for "not there", all under one code.
_GONE = ("ValidationException", "ResourceNotFound", "ValidationError")
_MOVING = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "InProgress", "Stopping"}
_SETTLE_S = 900.0
_POLL_S = 5.0


def found_by(operation: str, members: str, name: str, **request: str) -> Find:
    """Return how things are listed whose name carries the stage's."""
    return partial(_find, operation, members, name, request)


def _find(operation: str, members: str, name: str, request: dict[str, str], stage: Stage) -> list[str]:
    client = stage.client("sagemaker")
    found = pages(client, operation, NameContains=f"headrace-{stage.name}-", **request)
    names = (item[name] for page in found for item in page[members])
    # SageMaker looks anywhere in the name.
    return sorted(one for one in names if is_of_stage(stage, one))


def removed_by(operation: str, member: str) -> Remove:
    """Return how a thing goes that takes one call."""
    return kinds.removed_by("sagemaker", operation, member, *_GONE)


def remove_endpoint(stage: Stage, name: str) -> Iterator[Call]:
    """Delete an endpoint, when it is settled: SageMaker deletes none that it is still making."""
    client = stage.client("sagemaker")
    _settled(client, "describe_endpoint", {"EndpointName": name}, "EndpointStatus")
    yield from removed_by("delete_endpoint", "EndpointName")(stage, name)
    # Its configuration and model go next, and a name may be used again at once.
    _settled(client, "describe_endpoint", {"EndpointName": name}, "EndpointStatus")


def find_running_training(stage: Stage) -> list[str]:
    """Return the training jobs that still cost."""
    return find_training_jobs(stage, StatusEquals="InProgress")


def find_training_jobs(stage: Stage, **which: str) -> list[str]:
    """Return the training jobs; *which* narrows the list."""
    return _find("list_training_jobs", "TrainingJobSummaries", "TrainingJobName", which, stage)


def remove_training_job(stage: Stage, name: str) -> Iterator[Call]:
    """Delete the record of a job, when it has ended: the same data could not be trained on again under its name."""
    _settled(
        stage.client("sagemaker"), "describe_training_job", {"TrainingJobName": name}, "TrainingJobStatus"
    )
    yield from removed_by("delete_training_job", "TrainingJobName")(stage, name)


def find_running_processing(stage: Stage) -> list[str]:
    """Return the processing jobs that still cost."""
    return find_processing_jobs(stage, StatusEquals="InProgress")


def find_processing_jobs(stage: Stage, **which: str) -> list[str]:
    """Return the processing jobs; *which* narrows the list."""
    return _find("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName", which, stage)


def remove_processing_job(stage: Stage, name: str) -> Iterator[Call]:
    """Delete the record of a job, when it has ended."""
    client = stage.client("sagemaker")
    _settled(client, "describe_processing_job", {"ProcessingJobName": name}, "ProcessingJobStatus")
    yield from removed_by("delete_processing_job", "ProcessingJobName")(stage, name)


def find_running_transforms(stage: Stage) -> list[str]:
    """Return the transform jobs that still cost; those that have ended are SageMaker's to keep."""
    which = {"StatusEquals": "InProgress"}
    return _find("list_transform_jobs", "TransformJobSummaries", "TransformJobName", which, stage)


def remove_package_group(stage: Stage, name: str) -> Iterator[Call]:
    """Delete the model packages of a group, then the group: SageMaker deletes only empty ones."""
    client = stage.client("sagemaker")
    for page in pages(client, "list_model_packages", ModelPackageGroupName=name):
        for package in page["ModelPackageSummaryList"]:
            yield from removed_by("delete_model_package", "ModelPackageName")(
                stage, package["ModelPackageArn"]
            )
    yield from removed_by("delete_model_package_group", "ModelPackageGroupName")(stage, name)


def _settled(client: Any, describe: str, request: dict[str, str], status: str) -> None:
    """Wait until nothing is on its way, or the thing is gone."""
    from botocore.exceptions import ClientError

    deadline, pause_s = time.monotonic() + _SETTLE_S, 0.2
    while True:
        try:
            now = getattr(client, describe)(**request)[status]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return
            raise
        if now not in _MOVING:
            return
        if time.monotonic() > deadline:
            (name,) = request.values()
            raise DestroyFailed(
                f"{name} is still {now} after {_SETTLE_S / 60:.0f} min: run `headrace destroy` again later"
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _POLL_S)
