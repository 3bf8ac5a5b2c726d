"""CloudWatch Logs: subscriptions deliver to functions as AWS does: what matches, in batches, with retries."""

import base64
import gzip
import json
import logging
import re
import threading
from typing import Any
from uuid import uuid4

import msgspec
from ministack.core.responses import error_response_json, request_scope
from ministack.services import cloudwatch_logs, lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.mends.rule_targets import permits
from localcloud.settings import ACCOUNT_ID, REGION, Settings

MEND = "log_subscriptions"
BATCH_S = 0.2
BATCH_BYTES = 1_000_000  # what an asynchronous invocation takes, before it is compressed
_SELECTOR = re.compile(r'\$\.([A-Za-z0-9_.]+)\s*(!?=)\s*"([^"]*)"')
_log = logging.getLogger("localcloud.logs")


def mend(settings: Settings) -> None:
    """Batch the lines of a stream, honour JSON patterns and permissions, and let Lambda retry.

    AWS: a subscription with a Lambda destination invokes it asynchronously, with the lines of one stream gathered
    and `{awslogs: {data}}`, the base64 of gzipped JSON; PutSubscriptionFilter is refused while the function does not
    let logs.amazonaws.com in (user guide, "Log group-level subscription filters"; "Filter pattern syntax").
    MiniStack 1.5.33: invokes the function once for every request, from a thread that drops what fails; looks for the
    words of a pattern anywhere in a line, so that `{ $.a = "b" }` wants ".a" in it; asks for no permission (read).
    """
    del settings
    require(MEND, cloudwatch_logs, "_fanout_to_subscription_filters", "threading.Thread(target=lambda_svc.")
    put = require(MEND, cloudwatch_logs, "_put_subscription_filter", '"destinationArn": data.get(')
    matches = require(MEND, cloudwatch_logs, "_subscription_pattern_matches", "return all(t in (message")
    require(MEND, lambda_svc, "_emit_lambda_logs", "_fanout_to_subscription_filters(")

    @wraps(put)
    def put_subscription_filter(data: dict[str, Any]) -> Any:
        problem = _refusal(data)
        if problem:
            return error_response_json("InvalidParameterException", problem, 400)
        return put(data)

    @wraps(matches)
    def pattern_matches(pattern: str, message: str) -> bool:
        found = match_json(pattern, message)
        return bool(matches(pattern, message)) if found is None else found

    cloudwatch_logs._put_subscription_filter = put_subscription_filter
    cloudwatch_logs._subscription_pattern_matches = pattern_matches
    cloudwatch_logs._fanout_to_subscription_filters = DELIVERIES.take


class Stream(msgspec.Struct, frozen=True):
    """Where lines come from and go to: one subscription of one stream."""

    group: str
    stream: str
    name: str
    function_arn: str


class Deliveries:
    """Gathers lines for a moment and hands them to Lambda's asynchronous queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Stream, list[dict[str, Any]]] = {}
        self._timer: threading.Timer | None = None

    def take(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        """Take lines of a stream; stands in for MiniStack's fan-out."""
        filters = (cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters") or {}
        for one in filters.values():
            arn = one.get("destinationArn", "")
            matched = [
                event
                for event in events
                if cloudwatch_logs._subscription_pattern_matches(
                    one.get("filterPattern", ""), event.get("message", "")
                )
            ]
            # A function that is subscribed to its own log would never come to rest.
            if matched and ":function:" in arn and group != f"/aws/lambda/{arn.split(':function:')[1]}":
                self._gather(Stream(group, stream, one["filterName"], arn), matched)

    def flush(self) -> None:
        """Deliver what has been gathered."""
        with self._lock:
            waiting, self._waiting, self._timer = self._waiting, {}, None
        for stream, events in waiting.items():
            for batch in batches(events):
                _deliver(stream, batch)

    def _gather(self, stream: Stream, events: list[dict[str, Any]]) -> None:
        with self._lock:
            self._waiting.setdefault(stream, []).extend(events)
            if self._timer is None:
                self._timer = threading.Timer(BATCH_S, self.flush)
                self._timer.daemon = True
                self._timer.start()


DELIVERIES = Deliveries()


def match_json(pattern: str, message: str) -> bool | None:
    """Say whether *message* meets a JSON pattern of equalities joined by `&&`; None for any other pattern."""
    inner = pattern.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        return None
    selectors = [_SELECTOR.fullmatch(part.strip()) for part in inner[1:-1].split("&&")]
    if not all(selectors):
        return None
    try:
        line = json.loads(message)
    except ValueError:
        return False
    return all(_meets(line, *selector.groups()) for selector in selectors if selector)


def _meets(line: Any, path: str, operator: str, wanted: str) -> bool:
    for name in path.split("."):
        if not isinstance(line, dict) or name not in line:
            return False
        line = line[name]
    return (str(line) == wanted) == (operator == "=")


def batches(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return *events* in batches that an asynchronous invocation takes."""
    found: list[list[dict[str, Any]]] = [[]]
    size = 0
    for event in events:
        more = len(event.get("message", ""))
        if found[-1] and size + more > BATCH_BYTES:
            found.append([])
            size = 0
        found[-1].append(event)
        size += more
    return found


def envelope(stream: Stream, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the event of an invocation that delivers *events*."""
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT_ID,
        "logGroup": stream.group,
        "logStream": stream.stream,
        "subscriptionFilters": [stream.name],
        "logEvents": [
            {"id": uuid4().hex, "timestamp": event["timestamp"], "message": event["message"]}
            for event in events
        ],
    }
    packed = gzip.compress(json.dumps(content).encode(), compresslevel=1)
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def _deliver(stream: Stream, events: list[dict[str, Any]]) -> None:
    with request_scope(ACCOUNT_ID, REGION):
        record, _config, name = lambda_svc._get_base_func_record_for_ref(stream.function_arn)
        if record is None:
            _log.warning("subscription %s: function %s is gone, lines are dropped", stream.name, name)
            return
        # Replaced by the queue of `async_invocations`, which retries and knows the OnFailure destination.
        lambda_svc.invoke_async_with_retry(record, envelope(stream, events))


def _refusal(data: dict[str, Any]) -> str | None:
    """Return AWS's sentence where the destination cannot be invoked."""
    arn = data.get("destinationArn", "")
    if ":function:" not in arn:
        return None
    base, _config, _name = lambda_svc._get_base_func_record_for_ref(arn)
    statements = ((base or {}).get("policy") or {}).get("Statement", [])
    source = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{data.get('logGroupName')}:*"
    if permits(statements, source, service="logs.amazonaws.com"):
        return None
    return (
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute "
        "your function."
    )
