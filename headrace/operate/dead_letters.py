"""Events that nobody could handle: read from the dead-letter queues of a stage, sent again or dropped.

Two kinds arrive (see `infra/harden.py`): Lambda's record of an invocation that failed to the last try, and
EventBridge's own event with attributes that name the target it could not reach. Both hold the whole event
and the function it was meant for, which is all that sending it again takes.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

import msgspec

# Longer than any command works on what it holds; whoever is killed meanwhile gives it back this late.
HOLD_S = 120
_PER_CALL = 10  # SQS hands out no more at once


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One event that was given up.

    Attributes
    ----------
    function
        Name of the function it was meant for; empty where the letter cannot be read.
    about
        What the event tells of, and of whom: the detail type, and pipeline, job, endpoint or key.
    handle
        By which SQS takes it back; good for HOLD_S.
    """

    id: str
    service: str
    function: str
    about: str
    error: str
    sent_at: str
    tries: int | None
    event: Any
    handle: str = ""
    queue_url: str = ""


class DeadLetters:
    """The queues of one stage. What `collect` returns nobody else can get until it is given back or deleted."""

    def __init__(self, sqs: Any, lambdas: Any, queues: Mapping[str, str]) -> None:
        self._sqs = sqs
        self._lambdas = lambdas
        self._queues = queues
        self._held: dict[str, Letter] = {}

    @classmethod
    def of(cls, stage: Any, outputs: Mapping[str, str]) -> Self:
        """Find the queues by the outputs of the stage's foundation."""
        from infra.harden import dead_letters
        from infra.services import SERVICES

        sqs = stage.client("sqs")
        queues = {
            service: sqs.get_queue_url(QueueName=dead_letters(outputs, service).rpartition(":")[2])[
                "QueueUrl"
            ]
            for service in SERVICES
        }
        return cls(sqs, stage.client("lambda"), queues)

    def __enter__(self) -> Self:
        """Begin to hold what is collected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back at once whatever was neither sent again nor dropped; what cannot be comes back after HOLD_S."""
        from botocore.exceptions import BotoCoreError, ClientError

        for letter in self._held.values():
            with suppress(BotoCoreError, ClientError):
                self._sqs.change_message_visibility(
                    QueueUrl=letter.queue_url, ReceiptHandle=letter.handle, VisibilityTimeout=0
                )
        self._held.clear()

    def collect(self, service: str | None = None) -> list[Letter]:
        """Take every letter of one service or of all, oldest first."""
        for name, url in self._queues.items():
            if service in (None, name):
                self._held.update((letter.id, letter) for letter in self._receive(name, url))
        return sorted(self._held.values(), key=lambda letter: letter.sent_at)

    def redrive(self, letter: Letter) -> None:
        """Start the function with the event once more, then forget the letter.

        In this order: interrupted between the two, the event comes twice, which every handler stands, and is
        not lost. What fails again comes back as a new letter.
        """
        self._lambdas.invoke(
            FunctionName=letter.function, InvocationType="Event", Payload=json.dumps(letter.event).encode()
        )
        self.drop(letter)

    def drop(self, letter: Letter) -> None:
        """Forget the letter."""
        self._sqs.delete_message(QueueUrl=letter.queue_url, ReceiptHandle=letter.handle)
        del self._held[letter.id]

    def _receive(self, service: str, url: str) -> Iterable[Letter]:
        # Short polls ask some of SQS's servers only, so one empty answer does not mean an empty queue.
        empty = 0
        while empty < 2:
            answer = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_PER_CALL,
                VisibilityTimeout=HOLD_S,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            empty = 0 if messages else empty + 1
            yield from (parse_letter(service, url, message) for message in messages)


def parse_letter(service: str, queue_url: str, message: Mapping[str, Any]) -> Letter:
    """Return what an SQS message of either kind tells; of one that cannot be read at least that it is there."""
    event, function, error, tries = _contents(message)
    sent_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    return Letter(
        id=message["MessageId"],
        service=service,
        function=function,
        about=about(event),
        error=error,
        sent_at=datetime.fromtimestamp(sent_ms / 1000, UTC).isoformat(timespec="seconds"),
        tries=tries,
        event=event,
        handle=message["ReceiptHandle"],
        queue_url=queue_url,
    )


def about(event: Any) -> str:
    """Return in a few words what an event tells of."""
    if not isinstance(event, dict):
        return "unreadable" if event is None else "no event of a bus"
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return "a call" if "detail-type" not in event else str(event["detail-type"])
    return " ".join([str(event.get("detail-type", "")), *_subjects(detail)]).strip()


def _subjects(detail: dict[str, Any]) -> list[str]:
    """Return of whom an event tells: pipeline, job, endpoint, package or key."""
    data = detail.get("data", detail)
    names = ("pipeline", "TrainingJobName", "ProcessingJobName", "EndpointName", "ModelPackageArn")
    found = [str(data[name]) for name in names if isinstance(data, dict) and data.get(name)]
    stored = detail.get("object")
    key = stored.get("key") if isinstance(stored, dict) else None
    return [*found, str(key)] if key else found


def _contents(message: Mapping[str, Any]) -> tuple[Any, str, str, int | None]:
    """Return event, function, error and runs of a message."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return None, "", "the letter is no JSON", None
    if isinstance(body, dict) and "requestContext" in body and "requestPayload" in body:
        context, answer = body["requestContext"], body.get("responsePayload")
        return (
            body["requestPayload"],
            function_name(str(context.get("functionArn", ""))),
            _error_of(answer, str(context.get("condition", ""))),
            context.get("approximateInvokeCount"),
        )
    told = {
        name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()
    }
    error = f"{told.get('ERROR_CODE', '')}: {told.get('ERROR_MESSAGE', '')}".strip(": ")
    return body, function_name(told.get("TARGET_ARN", "")), error, None


def _error_of(answer: Any, condition: str) -> str:
    if not isinstance(answer, dict) or not answer.get("errorMessage"):
        return condition
    return f"{answer.get('errorType', 'Error')}: {answer['errorMessage']}"


def function_name(arn: str) -> str:
    """Return the name in a function's ARN, whatever version it names."""
    return arn.partition(":function:")[2].partition(":")[0]
