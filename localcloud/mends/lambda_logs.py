"""Lambda: a function has one log stream a day, and a laptop keeps the last lines of the last days."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack.services import cloudwatch_logs, lambda_svc

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "lambda_logs"
STREAMS, LINES = 3, 2_000
# One for this process: a stream of AWS is one execution environment's, and none outlives the server.
_ENVIRONMENT = uuid4().hex


def mend(settings: Settings) -> None:
    """Write all of a function's runs of a day into one stream, and drop what is older than three or too long.

    AWS: a stream belongs to an execution environment, which serves many invocations; groups forget by their
    retention (developer guide, "Sending Lambda function logs to CloudWatch Logs").
    MiniStack 1.5.33: a new stream for every invocation, kept for ever: three schedules alone leave 4,320 of them a
    day, all of which are copied into every snapshot (read).
    """
    del settings
    require(MEND, lambda_svc, "_emit_lambda_logs", 'f"START RequestId: {request_id} Version: {qualifier}"')
    require(MEND, cloudwatch_logs, "_append_log_events", 'stream["lastIngestionTime"]')
    require(MEND, cloudwatch_logs, "_make_group_arn")
    lambda_svc._emit_lambda_logs = write


def write(
    func: dict[str, Any], request_id: str, text: str, error: bool, duration_ms: int, **_options: Any
) -> None:
    """Write what one invocation printed, between AWS's own lines; signature as MiniStack's own."""
    del error
    config = func.get("config") or func
    group_name = _group_of(config)
    group = cloudwatch_logs._log_groups.get(group_name)
    if group is None:
        group = cloudwatch_logs._log_groups[group_name] = _new_group(group_name)
    qualifier = config.get("Version", "$LATEST")
    stream_name = f"{datetime.now(UTC):%Y/%m/%d}/[{qualifier}]{_ENVIRONMENT}"
    stream = group["streams"].setdefault(stream_name, _new_stream())
    now_ms = int(time.time() * 1000)
    lines = [
        f"START RequestId: {request_id} Version: {qualifier}",
        *text.splitlines(),
        f"END RequestId: {request_id}",
        _report(config, request_id, duration_ms),
    ]
    events = [{"timestamp": now_ms, "message": line, "ingestionTime": now_ms} for line in lines]
    cloudwatch_logs._append_log_events(stream, events)
    shorten(group["streams"])
    told = [{"timestamp": now_ms, "message": line} for line in lines]
    cloudwatch_logs._fanout_to_subscription_filters(group_name, stream_name, told)


def shorten(streams: dict[str, Any]) -> None:
    """Keep the newest streams, and of the newest its last lines."""
    for name in list(streams)[:-STREAMS]:
        del streams[name]
    newest = list(streams.values())[-1]
    # A tenth more before it is cut: else every line would move all others.
    if len(newest["events"]) > LINES * 1.1:
        del newest["events"][:-LINES]
        newest["firstEventTimestamp"] = newest["events"][0]["timestamp"]


def _group_of(config: dict[str, Any]) -> str:
    chosen: str | None = (config.get("LoggingConfig") or {}).get("LogGroup")
    return chosen or f"/aws/lambda/{config.get('FunctionName', 'unknown')}"


def _report(config: dict[str, Any], request_id: str, duration_ms: int) -> str:
    fields = (
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms} ms",
        f"Billed Duration: {duration_ms} ms",
        f"Memory Size: {config.get('MemorySize', 128)} MB",
    )
    return "\t".join(fields)


def _new_group(name: str) -> dict[str, Any]:
    return {
        "arn": cloudwatch_logs._make_group_arn(name),
        "creationTime": int(time.time() * 1000),
        "retentionInDays": None,
        "tags": {},
        "subscriptionFilters": {},
        "streams": {},
    }


def _new_stream() -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": int(time.time() * 1000),
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
