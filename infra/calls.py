"""AWS calls as data: decided in one place, compared in tests, sent in another."""

from collections.abc import Iterable
from typing import Any

import msgspec

from infra.errors import CallRefused
from infra.stage import Stage

# A role's new policy reaches Lambda some seconds after IAM has taken it.
_PROPAGATION_S = 60.0
# The second: Lambda is still busy with the function's last update.
_NOT_YET = {"InvalidParameterValueException", "ResourceConflictException"}
# A function that ran meanwhile has made its own log group.
_DONE_ALREADY = {"ResourceAlreadyExistsException"}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call that changes something; `what` says it in words, `done_if` names errors that say it is so already."""

    what: str
    service: str
    operation: str
    request: dict[str, Any]
    region: str | None = None
    done_if: tuple[str, ...] = ()


def send(stage: Stage, calls: Iterable[Call], *, pause_s: float = 2.0) -> list[str]:
    """Send the calls in order and return what each did; *pause_s* is between two tries of what AWS is not ready for.

    Raises
    ------
    CallRefused
        EventBridge took the call and refused an entry of it.
    """
    return [_send(stage, call, pause_s) for call in calls]


def _send(stage: Stage, call: Call, pause_s: float) -> str:
    import time

    from botocore.exceptions import ClientError

    method = getattr(stage.client(call.service, call.region), call.operation)
    deadline = time.monotonic() + _PROPAGATION_S
    while True:
        try:
            answer = method(**call.request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _DONE_ALREADY or code in call.done_if:
                return call.what
            if code not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(pause_s)
        else:
            _refuse_parts(call, answer)
            return call.what


def _refuse_parts(call: Call, answer: dict[str, Any]) -> None:
    # PutTargets answers 200 also when it refused a target, DeleteObjects when it kept an object.
    if refused := answer.get("FailedEntries") or answer.get("Errors"):
        told = refused[0].get("ErrorMessage") or refused[0].get("Message", refused[0])
        raise CallRefused(f"{call.what}: {told}")
