"""What a pipeline's definition must be beyond the types of its fields."""

import re

from shared.entities.pipeline import PipelineDefinition, fraction
from shared.errors import FieldError, InvalidBody

# Read, never evaluated: a gate is data.
_NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_REFERENCE = rf"(champion|baseline)(\s*[+-]\s*{_NUMBER})?"
_CLAUSE = re.compile(rf"\s*[a-z][a-z0-9_]*\s*(>=|<=|>|<)\s*({_NUMBER}|{_REFERENCE})\s*")


def check_definition(name: str, definition: PipelineDefinition) -> None:
    """Refuse a definition that contradicts itself; whether its columns exist only an upload can tell.

    Raises
    ------
    InvalidBody
        With an entry for every wrong place.
    """
    errors = [
        FieldError(pointer=pointer, detail=detail)
        for wrong, pointer, detail in (*_checks(name, definition), *_gate_checks(definition))
        if wrong
    ]
    if errors:
        raise InvalidBody(f"{errors[0].pointer}: {errors[0].detail}", tuple(errors))


def _checks(name: str, definition: PipelineDefinition) -> list[tuple[bool, str, str]]:
    data, split = definition.data, definition.split
    held_out = fraction(split.test) + fraction(split.validation)
    needed = {definition.target, data.key, data.time}
    return [
        (definition.name != name, "/name", f"{definition.name!r} is not the name in the path, {name!r}"),
        (split.by == "time" and not data.time, "/split/by", "splitting by time needs data.time"),
        (fraction(split.test) <= 0, "/split/test", "must be more than 0%: a model is judged on it"),
        (held_out >= 1, "/split/validation", "test and validation together leave nothing to train on"),
        (bool(needed & set(data.drop)), "/data/drop", "drops the target, key or time column"),
        (definition.target in {data.key, data.time}, "/target", "is also the key or the time column"),
    ]


def _gate_checks(definition: PipelineDefinition) -> list[tuple[bool, str, str]]:
    return [
        (
            _CLAUSE.fullmatch(clause) is None,
            f"/gate/{place}",
            f"{clause!r} is not 'metric op number', 'metric op champion ± number' or 'metric op baseline ± number'",
        )
        for place, clause in enumerate(definition.gate)
    ]
