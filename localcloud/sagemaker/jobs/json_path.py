"""The JSONPath that batch transform documents: `$`, `$.a`, `$['a','b']`, `$[0]`, `$[1:]`, `$[0,5:]`, in a row.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import re
from typing import Any, Final

_NAME: Final = re.compile(r"\.([A-Za-z_][\w-]*)")
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
_QUOTED: Final = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\")\s*")
_PLACE: Final = re.compile(r"\s*(-?\d*)(?:(:)(-?\d*))?\s*")

# What one step takes: the names of an object's members, or the places of an array's elements.
type Step = tuple[str | int | slice, ...]


class BadPath(ValueError):
    """The expression is not one of these, or does not fit the value."""


def parse(text: str) -> list[Step]:
    """Return the steps of an expression.

    Raises
    ------
    BadPath
        It is not of the documented operators.
    """
    if not text.startswith("$"):
        raise BadPath(f"{text!r} does not begin with $")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _NAME.match(text, at) or _BRACKETS.match(text, at)
        if found is None:
            raise BadPath(f"{text!r} is not understood from character {at + 1} on")
        members = found[1].split(",") if found.re is _BRACKETS else [f"'{found[1]}'"]
        steps.append(tuple(_member(part, text) for part in members))
        at = found.end()
    return steps


def select(value: Any, steps: list[Step]) -> Any:
    """Return the part of *value*; several members stay an object, several elements an array.

    Raises
    ------
    BadPath
        There is no such member or element.
    """
    for step in steps:
        value = _taken(value, step)
    return value


def _member(part: str, text: str) -> str | int | slice:
    if quoted := _QUOTED.fullmatch(part):
        return quoted[1] if quoted[1] is not None else quoted[2]
    return _place(part, text)


def _place(part: str, text: str) -> int | slice:
    place = _PLACE.fullmatch(part)
    if place is None or (not place[1] and not place[2]):
        raise BadPath(f"{text!r}: {part!r} is neither a quoted name nor a place")
    if not place[2]:
        return int(place[1])
    return slice(*(int(end) if end else None for end in (place[1], place[3])))


def _taken(value: Any, step: Step) -> Any:
    try:
        if isinstance(step[0], str):
            return value[step[0]] if len(step) == 1 else {name: value[name] for name in step}
        if len(step) == 1:
            return value[step[0]]
        found: list[Any] = []
        for place in step:
            found += value[place] if isinstance(place, slice) else [value[place]]
    except (LookupError, TypeError) as error:
        raise BadPath(f"a record has nothing at {step!r}") from error
    return found
