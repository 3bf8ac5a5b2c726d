"""Adapter: what training containers wrote, in CloudWatch Logs."""

from typing import Any

from shared.aws import aws_errors
from shared.errors import NotFound

GROUP = "/aws/sagemaker/TrainingJobs"
MAX_LINES = 200


class TrainingLogs:
    """Reads the log streams of SageMaker's training jobs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def tail(self, name: str, limit: int = MAX_LINES) -> tuple[str, ...]:
        """Return the last lines of the job *name*, oldest first; none before its container has started."""
        try:
            with aws_errors(f"read the log of {name}"):
                streams = self._client.describe_log_streams(
                    logGroupName=GROUP, logStreamNamePrefix=f"{name}/", limit=1
                )["logStreams"]
                if not streams:
                    return ()
                answer = self._client.get_log_events(
                    logGroupName=GROUP,
                    logStreamName=streams[0]["logStreamName"],
                    limit=limit,
                    startFromHead=False,
                )
        # No group before the first job of the account, no stream before the container starts.
        except NotFound:
            return ()
        return tuple(str(event["message"]) for event in answer["events"])
