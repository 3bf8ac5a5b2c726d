"""A first `pipeline.yaml` and `schema.json` for a table, with comments that say what can be changed."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from headrace.client.definitions import SCHEMA
from headrace.client.samples.kinds import Kind
from headrace.client.samples.table import Sample
from headrace.client.sampling import infer_task, kinds_of
from headrace.client.schema_drafting import draft_schema
from headrace.client.task_keys import Roles, own_keys, scalar, task_line
from headrace.failures import BadData

# Room for chance, or good retrains are refused: of 48 models that had learnt from twice the rows, 250 rows that judged
# would have let 19 pass by 0.005 of log loss, 45 by 0.05; and 30 by none of R2, 45 by 0.05. R2 needs no unit to be known.
_GATES = {
    "classification": ("log_loss <= champion + 0.05", "auto | boosting | linear"),
    "regression": ("r2 >= champion - 0.05", "auto | boosting | linear"),
    "text": ("log_loss <= champion + 0.05", "auto | linear"),
    "forecasting": ("mase <= champion + 0.02", "auto | boosting | linear"),
    "recommendation": ("ndcg_at_10 >= champion - 0.01", "auto"),
}
_RULES = (
    f"{SCHEMA}: types of the first rows; add what you know of a column under `constraints`"
    " (unique, enum, minimum, maximum, pattern)"
)
_TIME_TAKEN = "when a row happened, so the newest rows judge; other columns: change data.time"
_HEAD = Template(
    """\
# Made by `headrace init` from $file. `headrace apply` sends it; unknown keys are refused by name.
name: $name
task: $task
$own

# ---- optional: what follows may be left out ----------------------------------------------------
data:
  schema: $schema    # what each column holds; without it the first upload decides$encoding
$time
$key
  on_bad_rows: quarantine    # set bad rows aside with the reason (or: reject the whole file)
  max_bad: 1%                # more bad rows than this reject the file
# What judges the model are rows it never saw; by time, the newest.
split: {by: $split, test: 20%, validation: 10%}
"""
)
_TRAINED = Template(
    """\
model: {recipe: auto, preset: fast}    # recipe: $recipes; preset: fast | good | best
# What a new model must show before it goes live. It must beat the naive baseline in any case. The margin to the
# champion is room for chance: the more rows judge, the smaller it may be.
gate:
  - $clause
release: {approval: auto}    # auto | person
"""
)
_IMAGE = Template(
    """\
# Made by `headrace init` from $file. `headrace apply` sends it; unknown keys are refused by name.
name: $name
task: image    # what is in a picture: the folder it lies in is its label

# ---- optional: what follows may be left out ----------------------------------------------------
image: {size: 224, channels: 3}    # every picture becomes a square of so many pixels; 1 channel is grey
split: {by: hash, test: 20%, validation: 10%}
"""
)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of both files, and what a person should look at."""

    definition: str
    schema: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()


def draft(
    sample: Sample, file: Path, roles: Roles, *, name: str | None = None, encoding: str | None = None
) -> Draft:
    """Return a definition and a schema for a table.

    Raises
    ------
    BadData
        A column that is named is not there or does not fit.
    """
    for column in roles.named:
        require_column(sample, column)
    values = choose_target(sample, roles.target) if roles.target else []
    kinds = kinds_of(sample)
    times = times_of(kinds, roles)
    found = _time_taken(sample, kinds, times, roles)
    roles = msgspec.structs.replace(roles, time=roles.time or found)
    task = roles.task or infer_task(values)
    text = _HEAD.substitute(
        file=shown_name(file),
        name=name or pipeline_name(file),
        task=task_line(task),
        own=own_keys(roles, task),
        schema=SCHEMA,
        encoding=_encoding_line(encoding),
        time=_time_line(roles.time, times),
        key=_key_line(roles.key),
        split=_split(roles),
    )
    told = (f"column {found!r} has times of day: taken for {_TIME_TAKEN}",) if found else ()
    return Draft(
        definition=text + _training(task),
        schema=draft_schema(sample, kinds, roles.named),
        notes=(*told, *_notes(kinds)),
    )


def times_of(kinds: Mapping[str, Kind], roles: Roles) -> list[str]:
    """Return the columns by which rows could be ordered.

    Raises
    ------
    BadData
        The column that is named for it is none of them.
    """
    times = [column for column, kind in kinds.items() if kind.is_time and column != roles.target]
    if roles.time is not None and roles.time not in times:
        known = f"such columns are: {', '.join(times)}" if times else "there is none in this file"
        raise BadData(f"column {roles.time!r} does not hold dates or times; {known}")
    return times


def find_time(sample: Sample, kinds: Mapping[str, Kind], times: Sequence[str]) -> str | None:
    """Return the column that tells when a row happened: of those with a time of day the fullest, the first of equals.

    Days alone are no sign of it: they are as often birthdays.
    """
    stamps = [column for column in times if kinds[column].type == "datetime"]
    return max(stamps, key=lambda column: len(sample.values(column)), default=None)


def draft_image(file: Path, suffixes: Mapping[str, int], name: str | None = None) -> Draft:
    """Return a definition for pictures; their table is known, so there is no schema to write.

    Parameters
    ----------
    suffixes
        How many pictures there are of each: of PNG alone a job in the prebuilt image can be made.
    """
    text = _IMAGE.substitute(file=shown_name(file), name=name or pipeline_name(file))
    others = {suffix: count for suffix, count in sorted(suffixes.items()) if suffix != ".png"}
    note = (
        f"{sum(others.values())} of {sum(suffixes.values())} pictures are no PNG ({', '.join(others)}), and jobs in the "
        "prebuilt image read nothing else: convert them, or name an image of your own with Pillow in model.image"
    )
    return Draft(definition=text, notes=(note,) if others else ())


def choose_target(sample: Sample, target: str) -> list[str]:
    """Return the values of the target column.

    Raises
    ------
    BadData
        There is no such column, or it holds less than two different values.
    """
    require_column(sample, target)
    values = sample.values(target)
    if len(set(values)) < 2:
        raise BadData(f"column {target!r} has less than two different values: there is nothing to learn")
    return values


def require_column(sample: Sample, column: str) -> None:
    """Demand a column; a near name is told."""
    if column not in sample.header:
        same = [name for name in sample.header if name.lower() == column.lower()]
        near = same or difflib.get_close_matches(column, sample.header, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sample.header)}"
        raise BadData(f"no column {column!r}; {hint}")


def shown_name(file: Path) -> str:
    """Return the file's name as a YAML comment can hold it."""
    return re.sub(r"[^\w. -]", "_", file.name)


def pipeline_name(file: Path) -> str:
    """Return a valid pipeline name from the file's, or from its folder's when that is only digits."""
    for text in (file.name.split(".")[0] or file.stem, file.absolute().parent.name):
        name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-0123456789")[:40].strip("-")
        if len(name) >= 3:
            return name
    return "my-pipeline"


def _time_taken(sample: Sample, kinds: Mapping[str, Kind], times: Sequence[str], roles: Roles) -> str | None:
    """Return the column to take for the time, None where a person said already what the split goes by."""
    is_said = roles.time or roles.key or roles.group
    return None if is_said else find_time(sample, kinds, times)


def _training(task: str) -> str:
    """Return the keys of model, gate and release; none for a task that trains nothing."""
    if task not in _GATES:
        return ""
    clause, recipes = _GATES[task]
    return _TRAINED.substitute(clause=clause, recipes=recipes)


def _notes(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Return what to look at: dates that can be read in two ways, and rules that no sample can know."""
    ambiguous = tuple(
        f"column {name!r} reads as {kind.format} and as {kind.or_format}: make sure of its `format` in {SCHEMA}"
        for name, kind in kinds.items()
        if kind.or_format
    )
    return (*ambiguous, _RULES)


def _encoding_line(encoding: str | None) -> str:
    return f"\n  encoding: {encoding}    # what the files are written in" if encoding else ""


def _time_line(time: str | None, times: list[str]) -> str:
    if time:
        return f"  time: {scalar(time)}    # training never sees rows later than those that judge it"
    if times:
        return f"  # time: {scalar(times[0])}    # looks like a time: with it, set split by: time"
    return "  # time: <column>    # when each row happened, if there is one; then set split by: time"


def _key_line(key: str | None) -> str:
    if key:
        return f"  key: {scalar(key)}    # rows with the same key stay on one side of the split"
    return "  # key: <column>    # what names a row, if there is one: the split then goes by it"


def _split(roles: Roles) -> str:
    # A group is the stronger wish: rows of one person on both sides would judge by memory.
    if roles.group:
        return scalar(f"group({roles.group})")
    return "time" if roles.time else "hash"
