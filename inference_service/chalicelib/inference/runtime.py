"""Adapter: SageMaker's runtime, InvokeEndpoint."""

import contextlib
from collections.abc import Buffer, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from chalicelib.inference.answers import Answer, parse_answers

from shared.aws import AwsRefusal, Call, Content, Service, aws_errors, json_body
from shared.errors import BadGateway, InvalidBody, NotFound, PayloadTooLarge, Unavailable

_SENTENCE_LENGTH = 400
_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class SageMakerRuntime:
    """Asks endpoints, each once: whether to ask again is the caller's to decide."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def invoke(
        self, endpoint: str, records: Buffer, row_count: int, *, within_s: float | None = None
    ) -> list[Answer]:
        """Return one answer per record of the JSON array *records*, in *within_s* if that is less than its own patience.

        Raises
        ------
        InvalidBody
            The model refuses the records, with its own sentence.
        NotFound
            There is no such endpoint in service.
        BadGateway
            The model server fails.
        TimedOut
            It does not answer in time.
        Unavailable
            The endpoint throttles or is not ready, or refuses for a reason that is not the caller's.
        """
        call = Call(
            method="POST",
            path=f"/endpoints/{quote(endpoint, safe='')}/invocations",
            headers=_HEADERS,
            content=Content.of(b'{"records":' + records + b"}"),
            within_s=within_s,
        )
        try:
            with aws_errors(f"invoke {endpoint}"), _runtime_errors(endpoint):
                body = self._service.send(call, json_body)
        except AwsRefusal as error:
            # A code that nobody foresaw: a version that cannot be asked, like any other that is down.
            raise Unavailable(f"invoke {endpoint}: {error}") from error
        return parse_answers(body, row_count)


@contextlib.contextmanager
def _runtime_errors(endpoint: str) -> Iterator[None]:
    """Raise our errors for the runtime's own; the rest is :func:`aws_errors`' to judge."""
    try:
        yield
    except AwsRefusal as error:
        code, message = error.code, error.message
        if code == "ModelError":
            raise _of_model(endpoint, error.members) from error
        # The runtime spells it ValidationError, other planes ValidationException.
        if code in {"ValidationError", "ValidationException"} and "not found" in message:
            raise NotFound(f"endpoint {endpoint} is not in service") from error
        if "oversize" in message or code == "413":
            raise PayloadTooLarge("the records are larger than the endpoint takes") from error
        if code in {"ModelNotReadyException", "InternalDependencyException"}:
            raise Unavailable(f"invoke {endpoint}: {code}") from error
        raise


def _of_model(endpoint: str, response: Mapping[str, Any]) -> InvalidBody | BadGateway:
    """Return whose fault a ModelError is: the container's 4xx is the caller's, anything else is not."""
    status = int(response.get("OriginalStatusCode", 0))
    if not 400 <= status < 500:
        return BadGateway(f"invoke {endpoint}: the model server answered {status}")
    return InvalidBody(f"The model refuses the records: {_sentence(response.get('OriginalMessage', ''))}")


def _sentence(message: str) -> str:
    """Return the ``error`` of our recipes' answer; another container's text is not passed on."""
    try:
        sentence = msgspec.json.decode(message.encode(), type=dict[str, str])["error"]
    except (msgspec.DecodeError, KeyError):
        return "it gave no reason."
    return sentence[:_SENTENCE_LENGTH]
