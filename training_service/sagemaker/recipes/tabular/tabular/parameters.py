"""The job's parameters, as `parameters.json` in the `parameters` channel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .failure import UserError

FORMAT = 1
TASKS = ("classification", "regression")
RECIPES = ("auto", "boosting", "linear")
PRESETS = ("fast", "good", "best")
SPLITS = ("time", "hash", "group")
REQUIRED = ("pipeline", "task", "target", "schema")
STATED = ("pipeline", "task", "target", "recipe", "preset", "params", "seed", "time", "key", "min_rows")
# How the data's files spell values, in the terms of Frictionless: a CSV request may spell them so, too.
SPELLINGS = ("format", "missingValues", "trueValues", "falseValues", "decimalChar", "groupChar")
FIELD_TYPES = ("integer", "number", "string", "boolean", "datetime", "date")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column, in the terms of a Frictionless Table Schema."""

    name: str
    type: str
    categories: tuple[str, ...] | None = None
    identifier: bool = False
    spelling: dict[str, Any] = field(default_factory=dict)

    @property
    def is_number_of_nothing(self) -> bool:
        """Whether it is an integer that names a row: order 1001 is not more than order 1000."""
        return self.identifier and self.type == "integer"


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What one job is asked to do.

    `metrics` names what the gate will read; all metrics of the family are computed anyway, so that a
    changed gate can be judged again without training.
    """

    pipeline: str
    task: str
    target: str
    fields: tuple[Field, ...]
    recipe: str = "auto"
    preset: str = "fast"
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 42
    metrics: tuple[str, ...] = ()
    time: str | None = None
    key: str | None = None
    drop: tuple[str, ...] = ()
    split_by: str = "hash"
    group: str | None = None
    champion_version: str | None = None
    champion_trained_through: str | None = None
    min_rows: int = 200

    @property
    def target_field(self) -> Field:
        """The field of the schema that is predicted."""
        return next(f for f in self.fields if f.name == self.target)

    @property
    def features(self) -> tuple[Field, ...]:
        """The fields a model may look at: not the target, the row key, what the user dropped or numbers of rows."""
        hidden = {self.target, self.key, *self.drop}
        return tuple(f for f in self.fields if f.name not in hidden and not f.is_number_of_nothing)

    @property
    def judges_by_time(self) -> bool:
        """Whether rows are kept apart by their time rather than by their hash."""
        return self.split_by == "time" and self.time is not None


def load_parameters(path: Path) -> Parameters:
    """Read and check the parameters; raise `UserError` naming the first that is wrong."""
    if not path.is_file():
        raise UserError(f"The channel 'parameters' has no {path.name}; the job needs its parameters there.")
    return parse_parameters(json.loads(path.read_text(encoding="utf-8")))


def parse_parameters(document: dict[str, Any]) -> Parameters:
    """Turn the JSON document into checked `Parameters`.

    Raises
    ------
    UserError
        A required entry is missing, a value is not among those allowed, or the target is no column.
    """
    if document.get("format") != FORMAT:
        raise UserError(f"parameters.json has format {document.get('format')!r}, this recipe reads {FORMAT}.")
    _require(document)
    champion, split = document.get("champion") or {}, document.get("split") or {}
    # What is absent or null takes the default of `Parameters`, which is said in one place only.
    stated = {name: document[name] for name in STATED if document.get(name) is not None}
    parameters = Parameters(
        **stated,
        metrics=tuple(document.get("metrics") or ()),
        drop=tuple(document.get("drop") or ()),
        fields=_parse_fields(document["schema"]),
        split_by=split.get("by", "hash"),
        group=split.get("group"),
        champion_version=champion.get("version"),
        champion_trained_through=champion.get("trained_through"),
    )
    _check(parameters)
    return parameters


def _require(document: dict[str, Any]) -> None:
    missing = [name for name in REQUIRED if not document.get(name)]
    if missing:
        raise UserError(f"parameters.json lacks {', '.join(missing)}.")


def _parse_fields(schema: dict[str, Any]) -> tuple[Field, ...]:
    missing = schema.get("missingValues") or ()
    # Nothing here can learn from bytes, and a column of pictures would not fit into memory.
    return tuple(_parse_field(e, missing) for e in schema.get("fields", ()) if e.get("type") != "binary")


def _parse_field(entry: dict[str, Any], missing: Sequence[str]) -> Field:
    allowed = (entry.get("constraints") or {}).get("enum")
    categories = tuple(str(value) for value in allowed) if allowed else None
    spelling = {name: entry[name] for name in SPELLINGS if entry.get(name)}
    absent = [text for text in (*missing, *spelling.get("missingValues", ())) if text]
    return Field(
        name=entry["name"],
        type=entry.get("type", "string"),
        categories=categories,
        identifier=bool(entry.get("identifier")),
        spelling=spelling | ({"missingValues": absent} if absent else {}),
    )


def _check(parameters: Parameters) -> None:
    _one_of("task", parameters.task, TASKS)
    _one_of("recipe", parameters.recipe, RECIPES)
    _one_of("preset", parameters.preset, PRESETS)
    _one_of("split.by", parameters.split_by, SPLITS)
    for column in parameters.fields:
        _one_of(f"type of the column '{column.name}'", column.type, FIELD_TYPES)
    _check_columns(parameters)
    if not parameters.features:
        raise UserError(
            "No column is left to learn from once the target, the key and the dropped columns are out."
        )
    times = [f.name for f in parameters.fields if f.type in ("datetime", "date")]
    if parameters.judges_by_time and parameters.time not in times:
        raise UserError(f"The time column '{parameters.time}' is not a date or datetime column of the data.")


def _check_columns(parameters: Parameters) -> None:
    names = [f.name for f in parameters.fields]
    roles = {"target": parameters.target, "row key": parameters.key, "group": parameters.group}
    for role, name in roles.items():
        if name is not None and name not in names:
            raise UserError(
                f"The {role} '{name}' is not a column of the data; columns are {', '.join(names)}."
            )


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"The {what} is {value!r}; allowed are {', '.join(allowed)}.")
