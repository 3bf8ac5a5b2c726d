"""What a pipeline's definition must be beyond the types of its fields."""

import difflib
import re

from shared.entities.pipeline import METRICS, PipelineDefinition, fraction, task_of
from shared.errors import FieldError, InvalidBody

# Read, never evaluated: a gate is data.
_NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_REFERENCE = rf"(champion|baseline)(\s*[+-]\s*{_NUMBER})?"
_CLAUSE = re.compile(rf"\s*(?P<metric>[a-z][a-z0-9_]*)\s*(>=|<=|>|<)\s*({_NUMBER}|{_REFERENCE})\s*")


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
    found = (
        (f"/gate/{place}", _wrong_clause(clause, definition)) for place, clause in enumerate(definition.gate)
    )
    return [(wrong is not None, pointer, wrong or "") for pointer, wrong in found]


def _wrong_clause(clause: str, definition: PipelineDefinition) -> str | None:
    """Return what is wrong with a clause of the gate, None where nothing is."""
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        forms = "'metric op number', 'metric op champion ± number' or 'metric op baseline ± number'"
        return f"{clause!r} is not {forms}"
    task = task_of(definition)
    if match["metric"] in METRICS[task]:
        return None
    # A metric that no recipe reports would fail every model, weeks after the typing error.
    close = difflib.get_close_matches(match["metric"], METRICS[task], n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{match['metric']!r} is no metric of {task} (it has {', '.join(METRICS[task])}){meant}"
