"""Adapter: SageMaker training jobs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from chalicelib.training.request import INPUT_VARIABLE

from shared.aws import CREATING, sagemaker_errors
from shared.errors import InvalidRequest, NotFound

# Of an unknown name, in the words of DescribeTrainingJob.
_ABSENT = "Requested resource not found"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What SageMaker says of one job. ``status`` is InProgress, Completed, Failed, Stopping or Stopped.

    ``started_at`` is None until an instance runs it: waiting for capacity is not run time. ``max_wait_s`` is how long
    a job on spot capacity may take with all its interruptions, None for others.
    """

    name: str
    status: str
    secondary_status: str = ""
    failure_reason: str = ""
    input_sha256: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    max_runtime_s: int = 86400
    max_wait_s: int | None = None


class SageMakerJobs:
    """Creates, describes and stops training jobs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, request: Mapping[str, Any]) -> None:
        """Send a CreateTrainingJob request.

        Raises
        ------
        Conflict
            The name is taken; describe it to see by what.
        QuotaExceeded
            The account's limit of instances is reached.
        InvalidRequest
            SageMaker refuses the request as it is, or what it names is not there.
        """
        with sagemaker_errors("create a training job", absent=_ABSENT, further=CREATING):
            self._client.create_training_job(**request)

    def describe(self, name: str) -> Described:
        """Return what SageMaker says of the job; raises NotFound where there is none."""
        with sagemaker_errors(f"describe the training job {name}", absent=_ABSENT):
            answer = self._client.describe_training_job(TrainingJobName=name)
        # .get where SageMaker leaves a field out: no reason without a failure, no start before an instance.
        return Described(
            name=name,
            status=answer["TrainingJobStatus"],
            secondary_status=answer.get("SecondaryStatus", ""),
            failure_reason=answer.get("FailureReason", ""),
            input_sha256=answer.get("Environment", {}).get(INPUT_VARIABLE, ""),
            created_at=answer.get("CreationTime"),
            started_at=answer.get("TrainingStartTime"),
            max_runtime_s=answer.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400),
            max_wait_s=answer.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds"),
        )

    def stop(self, name: str) -> None:
        """Ask the job to stop; one that has ended or is gone is no error, Describe tells which."""
        try:
            with sagemaker_errors(f"stop the training job {name}", absent=_ABSENT):
                self._client.stop_training_job(TrainingJobName=name)
        except (InvalidRequest, NotFound):
            return
