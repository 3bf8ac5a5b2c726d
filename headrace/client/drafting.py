"""A first `pipeline.yaml` for a data file, with comments that say what can be changed."""

import difflib
import json
import re
from pathlib import Path
from string import Template

from headrace.client.sampling import Sample, infer_task, time_columns
from headrace.failures import BadData

_GATES = {"classification": ("log_loss", "0.005"), "regression": ("rmse", "0.0")}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DRAFT = Template(
    """\
# Made by `headrace init` from $file. `headrace apply` sends it; unknown keys are refused by name.
name: $name
task: $task    # classification | regression
target: $target

# ---- optional: what follows may be left out ----------------------------------------------------
data:
$time
  on_bad_rows: quarantine    # set bad rows aside with the reason (or: reject the whole file)
  max_bad: 1%                # more bad rows than this reject the file
# The newest part of the data judges the model: rows it never saw.
split: {by: $split, test: 20%, validation: 10%}
model: {recipe: auto, preset: fast}    # recipe: auto | boosting | linear; preset: fast | good | best
# What a new model must show before it goes live. It must beat the naive baseline in any case.
gate:
  - $metric <= champion + $slack
release: {approval: auto}    # auto | person
"""
)


def choose_target(sample: Sample, target: str) -> list[str]:
    """Return the values of the target column.

    Raises
    ------
    BadData
        There is no such column, or it holds less than two different values.
    """
    if target not in sample.header:
        near = difflib.get_close_matches(target, sample.header, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sample.header)}"
        raise BadData(f"no column {target!r}; {hint}")
    values = sample.values(target)
    if len(set(values)) < 2:
        raise BadData(f"column {target!r} has less than two different values: there is nothing to learn")
    return values


def draft(
    sample: Sample, file: Path, *, target: str, name: str | None = None, time: str | None = None
) -> str:
    """Return the text of a definition for the file.

    Raises
    ------
    BadData
        The target or the time column does not fit.
    """
    task = infer_task(choose_target(sample, target))
    times = [column for column in time_columns(sample) if column != target]
    if time is not None and time not in times:
        known = f"such columns are: {', '.join(times)}" if times else "there is none in this file"
        raise BadData(f"column {time!r} does not hold ISO 8601 times; {known}")
    metric, slack = _GATES[task]
    return _DRAFT.substitute(
        file=re.sub(r"[^\w. -]", "_", file.name),
        name=name or pipeline_name(file),
        task=task,
        target=_scalar(target),
        time=_time_line(time, times),
        split="time" if time else "hash",
        metric=metric,
        slack=slack,
    )


def pipeline_name(file: Path) -> str:
    """Return a valid pipeline name from the file's, or from its folder's when that is only digits."""
    for text in (file.stem, file.absolute().parent.name):
        name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-0123456789")[:40].strip("-")
        if len(name) >= 3:
            return name
    return "my-pipeline"


def _time_line(time: str | None, times: list[str]) -> str:
    if time:
        return f"  time: {_scalar(time)}    # training never sees rows later than those that judge it"
    if times:
        return f"  # time: {_scalar(times[0])}    # looks like a time: with it, set split by: time"
    return "  # time: <column>    # when each row happened, if there is one; then set split by: time"


def _scalar(text: str) -> str:
    """Return a YAML scalar; a JSON string is one, for names that would mean something else unquoted."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null", "yes", "no", "on", "off"}
    return text if plain else json.dumps(text, ensure_ascii=False)
