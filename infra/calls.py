"""AWS calls as data: decided in one place, compared in tests, sent in another."""

from collections.abc import Iterable
from typing import Any

import msgspec

from infra.stage import Stage

# A role's new policy reaches Lambda some seconds after IAM has taken it.
_PROPAGATION_S = 60.0
_NOT_YET = {"InvalidParameterValueException"}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call that changes something; `what` says it in words."""

    what: str
    service: str
    operation: str
    request: dict[str, Any]


def send(stage: Stage, calls: Iterable[Call]) -> list[str]:
    """Send the calls in order and return what each did."""
    return [_send(stage, call) for call in calls]


def _send(stage: Stage, call: Call) -> str:
    import time

    from botocore.exceptions import ClientError

    method = getattr(stage.client(call.service), call.operation)
    deadline = time.monotonic() + _PROPAGATION_S
    while True:
        try:
            method(**call.request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(2)
        else:
            return call.what
