"""What kinds of things a stage is made of, in the order in which they go."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from infra.calls import Call
from infra.stage import Stage

Find = Callable[[Stage], list[str]]
Remove = Callable[[Stage, str], Iterator[Call]]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing: `find` names those of the stage that are there now, `remove` plans how one of them goes.

    What `is_data` outlives a `destroy` that was not told to take it along.
    """

    name: str
    find: Find
    remove: Remove
    is_data: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the stage that is there."""

    kind: str
    name: str
    is_data: bool = False


def pages(client: Any, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
    """Yield every page of a list."""
    yield from client.get_paginator(operation).paginate(**request)


def removed_by(service: str, operation: str, member: str, *done_if: str, **more: Any) -> Remove:
    """Return how a thing goes that takes one call: *member* of its request names it, *more* is the rest of it."""
    return partial(_remove, service, operation, member, done_if, more)


def _remove(
    service: str,
    operation: str,
    member: str,
    done_if: tuple[str, ...],
    more: dict[str, Any],
    _: Stage,
    name: str,
) -> Iterator[Call]:
    request = {member: name, **more}
    yield Call(what=name, service=service, operation=operation, request=request, done_if=done_if)


def is_of_stage(stage: Stage, name: str) -> bool:
    """Say whether a thing of that name is the stage's: those of the foundation and of SageMaker are called so."""
    return name.startswith(f"headrace-{stage.name}-")
