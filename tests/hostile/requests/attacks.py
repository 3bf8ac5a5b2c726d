"""Requests made to harm, by a seed: broken bodies, paths, queries and headers for every documented route."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from tests.hostile.requests.arsenal import BODIES, HEADERS, METHODS, NAMES, QUERIES, TYPES


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request; ``target`` is what stands in the request line, already encoded.

    ``kinds`` are the words for all that is wrong with it.
    """

    method: str
    target: str
    headers: dict[str, str] = {}
    body: bytes = b""
    kinds: frozenset[str] = frozenset()


def attacks(document: dict[str, Any], names: dict[str, str], *, seed: int) -> Iterator[Attack]:
    """Yield requests without end; *names* fill the parameters of paths where no hostile name does."""
    draw = random.Random(seed)
    routes = [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]
    while True:
        yield _attack(random.Random(draw.random()), *draw.choice(routes), names)


def _attack(draw: random.Random, method: str, path: str, names: dict[str, str]) -> Attack:
    dice = _Dice(draw)
    if draw.random() < 0.05:
        method = draw.choice(METHODS)
        dice.kinds.add("another method")
    # What would change the stage for others goes at names that do not exist.
    is_harmful = method == "DELETE" or path.endswith(("/promote", "/rollback", "/stop"))
    if names and (is_harmful or draw.random() > 0.6):
        names = {key: dice.one_of(NAMES) for key in names}
    target = path.format(**{key: quote(value, safe="") for key, value in names.items()})
    if draw.random() < 0.4:
        target += "?" + dice.one_of(QUERIES)
    headers = {"Content-Type": dice.one_of(TYPES)} if draw.random() < 0.4 else {}
    headers |= dice.one_of(HEADERS) if draw.random() < 0.5 else {}
    body = _body(dice) if method in {"POST", "PUT", "PATCH"} else b""
    return Attack(method=method, target=target, headers=headers, body=body, kinds=frozenset(dice.kinds))


class _Dice:
    """Draws from the arsenal, and keeps in mind the kinds of what was drawn."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.kinds: set[str] = set()

    def one_of[T](self, arsenal: Mapping[str, tuple[T, ...]]) -> T:
        """Return any value, each as likely as another."""
        kind, value = self.draw.choice(
            [(kind, value) for kind, values in arsenal.items() for value in values]
        )
        self.kinds.add(kind)
        return value


def _body(dice: _Dice) -> bytes:
    if dice.draw.random() < 0.05:
        dice.kinds.add("bodies: one value for all keys")
        value: Any = dice.draw.choice([None, True, -1, 1e308, "x" * 100, [], {}])
        return json.dumps(dict.fromkeys(("records", "reason", "version", "filename"), value)).encode()
    body = dice.one_of(BODIES)
    if not body or dice.draw.random() > 0.3:
        return body
    # One byte elsewhere: most are still JSON, or nearly.
    dice.kinds.add("bodies: a byte changed")
    place = dice.draw.randrange(min(len(body), 200))
    return body[:place] + bytes([dice.draw.randrange(256)]) + body[place + 1 :]
