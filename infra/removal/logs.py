"""What was logged: groups of functions and endpoints, and the streams of jobs in groups that all jobs share."""

import re
from collections.abc import Iterator

from infra.calls import Call
from infra.job_logs import ENDPOINTS, JOB_GROUPS
from infra.removal.kinds import pages, removed_by
from infra.services import SERVICES
from infra.stage import Stage

_GONE = ("ResourceNotFoundException",)


def find_groups(stage: Stage) -> list[str]:
    """Return the log groups that are the stage's alone."""
    services = "|".join(SERVICES)
    ours = re.compile(
        rf"/aws/lambda/headrace-({services})-{stage.name}(-.+)?|{ENDPOINTS}headrace-{stage.name}-.+"
    )
    found = pages(stage.client("logs"), "describe_log_groups", logGroupNamePrefix="/aws/")
    names = (group["logGroupName"] for page in found for group in page["logGroups"])
    return [name for name in names if ours.fullmatch(name)]


# With its subscriptions.
remove_group = removed_by("logs", "delete_log_group", "logGroupName", *_GONE)


def find_streams(stage: Stage) -> list[str]:
    """Return the streams of the stage's jobs as `group:stream`."""
    logs = stage.client("logs")
    found = []
    for group in JOB_GROUPS:
        try:
            listed = pages(
                logs,
                "describe_log_streams",
                logGroupName=group,
                logStreamNamePrefix=f"headrace-{stage.name}-",
            )
            found += [f"{group}:{one['logStreamName']}" for page in listed for one in page["logStreams"]]
        except logs.exceptions.ResourceNotFoundException:
            continue
    return found


def remove_stream(_: Stage, name: str) -> Iterator[Call]:
    """Delete one stream."""
    group, stream = name.split(":", 1)
    yield Call(
        what=stream,
        service="logs",
        operation="delete_log_stream",
        request={"logGroupName": group, "logStreamName": stream},
        done_if=_GONE,
    )
