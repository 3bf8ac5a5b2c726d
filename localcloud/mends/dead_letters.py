"""Events nobody could handle: to OnFailure destinations, function and rule dead-letter queues.

AWS writes three different letters. An OnFailure destination gets an invocation record; a function's
dead-letter queue gets the event itself with three message attributes (developer guide, "Capturing
records of Lambda asynchronous invocations"); a rule target's queue gets the event with attributes
that name rule and target (EventBridge user guide, "Using dead-letter queues").
"""

import contextvars
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from ministack.core import iam_evaluator
from ministack.services import lambda_svc, sns, sqs

from localcloud.mends.patch_points import require

MEND = "dead_letters"
_log = logging.getLogger("localcloud.dead_letters")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Body and attributes of one message."""

    body: str
    attributes: dict[str, str] = {}


def require_patch_points() -> None:
    """Make sure that the services deliver as expected."""
    require(MEND, sqs, "_act_send_message", 'data.get("MessageBody", "")', 'data.get("MessageAttributes")')
    require(MEND, sqs, "_queue_by_arn", "_queues.get_scoped")
    require(MEND, sns, "publish_internal", "message_attributes: dict | None = None")
    require(MEND, lambda_svc, "invoke_async_with_retry")
    require(MEND, iam_evaluator, "pin_request_origin", "source_ip: str, secure_transport: bool")


def invocation_record(function_arn: str, event: Any, result: dict[str, Any], runs: int) -> Letter:
    """Return the record an OnFailure destination gets."""
    body = result.get("body")
    request_id = body.get("requestId", "") if isinstance(body, dict) else ""
    qualified = function_arn if function_arn.count(":") > 6 else f"{function_arn}:$LATEST"
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": qualified,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": runs,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": body,
    }
    return Letter(body=json.dumps(record))


def function_letter(event: Any, result: dict[str, Any]) -> Letter:
    """Return what a function's dead-letter queue gets: the event, and why in the attributes."""
    body = result.get("body")
    failure = body if isinstance(body, dict) else {}
    attributes = {
        "RequestID": failure.get("requestId") or "unknown",
        "ErrorCode": "200",
        "ErrorMessage": str(failure.get("errorMessage", ""))[:1024] or "unknown",
    }
    return Letter(body=json.dumps(event), attributes=attributes)


def rule_letter(event: str, rule_arn: str, target_arn: str, code: str, reason: str) -> Letter:
    """Return what a rule target's dead-letter queue gets."""
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": reason,
        "RETRY_ATTEMPTS": "0",
    }
    return Letter(body=event, attributes=attributes)


def deliver(target_arn: str, letter: Letter) -> None:
    """Send the letter to a queue, topic or function; a target that is gone is logged, as there is no more to do."""
    service = target_arn.split(":")[2]
    try:
        send = _DELIVERIES[service]
        over_tls(lambda: send(target_arn, letter))
    except (KeyError, LookupError, sqs._Err) as error:
        _log.error("a dead letter for %s is lost: %r", target_arn, error)


def over_tls(send: Callable[[], object]) -> None:
    """Send as AWS's services do among themselves, over TLS.

    Background threads carry no request, and MiniStack takes what has none for plain HTTP: a queue
    whose policy denies that (`aws:SecureTransport`) would lose the letter.
    """
    # In a context of its own: the pin must not outlive the letter on a thread that also serves requests.
    contextvars.copy_context().run(_pinned, send)


def _pinned(send: Callable[[], object]) -> None:
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    send()


def _to_queue(arn: str, letter: Letter) -> None:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise LookupError(f"queue {arn} does not exist")
    request = {
        "QueueUrl": sqs._queue_url_for_account(*arn.split(":")[4:6]),
        "MessageBody": letter.body,
        "MessageAttributes": _typed(letter.attributes, "StringValue"),
    }
    sqs._act_send_message(request, request["QueueUrl"])


def _to_topic(arn: str, letter: Letter) -> None:
    attributes = _typed(letter.attributes, "StringValue")
    if sns.publish_internal(arn, letter.body, message_attributes=attributes) is None:
        raise LookupError(f"topic {arn} does not exist")


def _to_function(arn: str, letter: Letter) -> None:
    record, config, name = lambda_svc._get_func_record_for_ref(arn)
    if record is None:
        raise LookupError(f"function {name} does not exist")
    execution = lambda_svc._execution_record_for_config(record, config)
    lambda_svc.invoke_async_with_retry(execution, json.loads(letter.body))


def _typed(attributes: dict[str, str], field: str) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", field: value} for name, value in attributes.items()}


_DELIVERIES = {"sqs": _to_queue, "sns": _to_topic, "lambda": _to_function}
