"""AWS as botocore's models describe it, without a socket: every request is checked and noted, answers are given out."""

import inspect
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec

from localcloud.sagemaker.model import violations

Answer = dict[str, Any]
# A service's name has no underscore, an operation's has one.
_OPERATION = re.compile(r'(?:operation=|removed_by\(\s*(?:"[a-z0-9]+",\s*)?)"([a-z]+_\w+)"')
_READS = ("List", "Describe", "Get", "Head")
NOT_THERE: Answer = {"Error": {"Code": "ResourceNotFoundException", "Message": "it is not there"}}


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and what AWS would refuse of it."""

    service: str
    operation: str
    request: dict[str, Any]
    wrong: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Say whether it changes something."""
        return not self.operation.startswith(_READS)


def noting(events: Any, notes: list[Noted]) -> None:
    """Have every request through the hooks of a session or client checked and noted."""

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        shape = model.input_shape
        wrong = tuple(violations(_as_sent(params), shape, "")) if shape else ()
        service = model.service_model.service_name
        notes.append(Noted(service=service, operation=model.name, request=dict(params), wrong=wrong))

    events.register("before-parameter-build.*.*", note)


def _as_sent(value: Any) -> Any:
    """Return *value* with times as numbers: boto3 takes what Python has, a request has what JSON has."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _as_sent(one) for key, one in value.items()}
    return [_as_sent(one) for one in value] if isinstance(value, list | tuple) else value


class Recorder:
    """Makes clients that reach nobody; each operation gives its answers one after the other, then the last again.

    An operation may have a function of the request instead.
    """

    def __init__(self, answers: dict[str, list[Answer] | Callable[[dict[str, Any]], Answer]]) -> None:
        self.answers = answers
        self.notes: list[Noted] = []
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str, endpoint_url: str | None) -> Any:
        """Take the place of `infra.stage._client`."""
        if (service, region) in self._clients:
            return self._clients[service, region]
        client = self._clients[service, region] = boto3.client(
            service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test"
        )
        noting(client.meta.events, self.notes)
        client.meta.events.register("before-call.*.*", self._answer)
        return client

    def _answer(self, model: Any, **_: Any) -> tuple[Any, Answer]:
        waiting = self.answers.get(model.name, [{}])
        if callable(waiting):
            answer = waiting(self.notes[-1].request)
        else:
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        status = 400 if "Error" in answer else 200
        return SimpleNamespace(status_code=status, headers={}), {"ResponseMetadata": {}, **answer}


def operations_in(modules: Iterable[Any]) -> set[str]:
    """Return the names of the operations that planned calls of the modules have, written there or given to `removed_by`."""
    return {name for module in modules for name in _OPERATION.findall(inspect.getsource(module))}


def as_method(operation: str) -> str:
    """Return how boto3 calls an operation."""
    from botocore import xform_name

    name: str = xform_name(operation)
    return name
