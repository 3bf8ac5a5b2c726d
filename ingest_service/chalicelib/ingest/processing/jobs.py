"""Adapter: SageMaker processing jobs."""

from collections.abc import Mapping
from typing import Any

import msgspec
from chalicelib.ingest.processing.plan import PIPELINE_VARIABLE

from shared.aws import CREATING, sagemaker_errors

# Of an unknown name, in the words of DescribeProcessingJob.
_ABSENT = "Could not find"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What SageMaker says of one job. ``status`` is InProgress, Completed, Failed, Stopping or Stopped."""

    name: str
    status: str
    pipeline: str = ""
    failure_reason: str = ""
    exit_message: str = ""


class ProcessingJobs:
    """Creates and describes processing jobs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, request: Mapping[str, Any]) -> None:
        """Send a CreateProcessingJob request.

        Raises
        ------
        Conflict
            The name is taken: the job was created before.
        QuotaExceeded
            The account's limit of instances is reached.
        InvalidRequest
            SageMaker refuses the request as it is, or what it names is not there.
        """
        with sagemaker_errors("create a processing job", absent=_ABSENT, further=CREATING):
            self._client.create_processing_job(**request)

    def describe(self, name: str) -> Described:
        """Return what SageMaker says of the job; raises NotFound where there is none."""
        with sagemaker_errors(f"describe the processing job {name}", absent=_ABSENT):
            answer = self._client.describe_processing_job(ProcessingJobName=name)
        return Described(
            name=name,
            status=answer["ProcessingJobStatus"],
            pipeline=answer.get("Environment", {}).get(PIPELINE_VARIABLE, ""),
            failure_reason=answer.get("FailureReason", ""),
            exit_message=answer.get("ExitMessage", ""),
        )
