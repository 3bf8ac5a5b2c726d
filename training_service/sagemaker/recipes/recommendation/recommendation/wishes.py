"""What may be asked of a model of tastes, and a request read as that."""

from dataclasses import dataclass

import numpy as np
from recipe.parameters import Field, Parameters
from recipe.requests import RequestError, check_known, read_column, read_records
from recipe.serving import Body
from recipe.signature import Input, Signature

from .ids import Id, to_id
from .roles import Roles

USER_INPUT, K_INPUT, SEEN_INPUT, ITEMS_INPUT = "user", "k", "exclude_seen", "items"
DEFAULT_K = 10
MOST_RECOMMENDED = 100
MOST_GIVEN = 1_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One record: for whom, how many, and whether what they took already may come again.

    `items` is what somebody is known to have taken at this moment, beside what training knows of the user.
    """

    user: Id | None
    items: tuple[Id, ...]
    k: int
    exclude_seen: bool


def describe(parameters: Parameters, roles: Roles) -> Signature:
    """Return what a request may hold: a user, or items that somebody took, how many are wanted, seen ones or not."""
    inputs = (
        Input(name=USER_INPUT, type=roles.user.type, required=False, spelling=roles.user.spelling),
        Input(name=K_INPUT, type="integer", required=False, minimum=1, maximum=MOST_RECOMMENDED),
        Input(name=SEEN_INPUT, type="boolean", required=False),
        Input(
            name=ITEMS_INPUT,
            type="array",
            required=False,
            fields=(Input(name="item", type=roles.item.type, required=True),),
            maximum=MOST_GIVEN,
        ),
    )
    target = Field(name=roles.item.name, type=roles.item.type)
    return Signature(task=parameters.task, target=target, inputs=inputs)


def read_wishes(body: Body, content_type: str, signature: Signature) -> list[Wish]:
    """Return what is asked; raise `RequestError` naming the record that is wrong."""
    inputs = {taken.name: taken for taken in signature.inputs}
    records = read_records(body, content_type, {name: taken.type for name, taken in inputs.items()})
    check_known(records, inputs.keys())
    users, counts, seen, items = (read_column(records, taken) for taken in inputs.values())
    kinds = (inputs[USER_INPUT].type, signature.target.type)
    return [
        Wish(
            user=_id_or_none(user, kinds[0]),
            items=tuple(to_id(item, kinds[1]) for item in given or ()),
            k=_count(count, place),
            exclude_seen=bool(np.isnan(hide) or hide),
        )
        for place, (user, count, hide, given) in enumerate(zip(users, counts, seen, items, strict=True))
    ]


def _id_or_none(value: float | str | None, kind: str) -> Id | None:
    # Of numbers what is missing is NaN, which differs from itself.
    return None if value is None or value != value else to_id(value, kind)  # noqa: PLR0124


def _count(asked: float, place: int) -> int:
    count = DEFAULT_K if np.isnan(asked) else int(asked)
    if not 1 <= count <= MOST_RECOMMENDED:
        raise RequestError(
            400, f"Record {place}: k is {count}; 1 to {MOST_RECOMMENDED} items can be asked for."
        )
    return count
