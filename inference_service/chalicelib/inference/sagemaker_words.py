"""What SageMaker's control plane says in words and not in codes: "there is one", "there is none", "not like that"."""

import contextlib
from collections.abc import Iterator
from typing import Any

from chalicelib.inference.states import Refused

from shared.errors import Unavailable

EXISTS = "already existing"
_ABSENT = "ResourceNotFound"
# SageMaker reads back eventually what it was given a moment ago: the next try finds it.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
_NOT_SEEN_YET = ("Could not find endpoint configuration", 'Could not find model "', EXISTS)


@contextlib.contextmanager
def only(*texts: str, code: str = "") -> Iterator[list[str]]:
    """Let SageMaker's ValidationException with one of *texts* pass, or an error of *code*, and say so in the list."""
    from botocore.exceptions import ClientError

    seen: list[str] = []
    try:
        yield seen
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        if error.response["Error"]["Code"] != code and not any(text in message for text in texts):
            raise
        seen.append(message)


@contextlib.contextmanager
def absent_is_fine() -> Iterator[list[Any]]:
    """Let "there is none" pass; SageMaker spells it in two ways, and documents a code that it rarely uses."""
    with only("Could not find", "does not exist", code=_ABSENT):
        found: list[Any] = []
        yield found


@contextlib.contextmanager
def refusals(name: str) -> Iterator[None]:
    """Turn SageMaker's complaint about a request into a reason that the release row can keep."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code not in {"ValidationException", "ValidationError", _ABSENT}:
            raise
        if code == _ABSENT or any(text in message for text in _NOT_SEEN_YET):
            raise Unavailable(f"create {name}: {message}") from error
        raise Refused(f"SageMaker refuses to create {name}: {message[:300]}") from error
