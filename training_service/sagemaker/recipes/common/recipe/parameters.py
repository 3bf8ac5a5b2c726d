"""The job's parameters, as `parameters.json` in the `parameters` channel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .failure import UserError

FORMAT = 1
EXPORTS = ("onnx",)
PURPOSES = ("train", "evaluate", "reproduce")
PRESETS = ("fast", "good", "best")
SPLITS = ("time", "hash", "group")
REQUIRED = ("pipeline", "task", "schema")
LISTED = ("metrics", "drop", "fairness", "export")
STATED = (
    "pipeline",
    "task",
    "target",
    "recipe",
    "preset",
    "params",
    "seed",
    "time",
    "key",
    "min_rows",
    "max_minutes",
    "task_options",
    "purpose",
    "search",
    "trials",
)
# How the data's files spell values, in the terms of Frictionless: a CSV request may spell them so, too.
SPELLINGS = ("format", "missingValues", "trueValues", "falseValues", "decimalChar", "groupChar")
FIELD_TYPES = ("integer", "number", "string", "boolean", "datetime", "date", "binary")


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
class Rules:
    """Which parameters a family takes.

    `needs_target` is False where no column is predicted (a recommendation); `reads_bytes` keeps binary columns,
    which for other families would only fill the memory; `needs_features` is False where the target's own past is
    enough.
    """

    tasks: tuple[str, ...]
    recipes: tuple[str, ...] = ("auto",)
    needs_target: bool = True
    needs_features: bool = True
    reads_bytes: bool = False


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What one job is asked to do.

    `target` is empty for a task that predicts no column. `task_options` holds the keys that only this task's
    definition has (`series`, `horizon`, `text`, `user`, …). `metrics` names what the gate will read; all metrics of the family are computed anyway, so that a
    changed gate can be judged again without training. `purpose` `evaluate` trains nothing and judges the model in
    the channel `challenger`. `trials` is how many settings are tried, 0 as many as the preset does; `search` is the
    `search.json` of a model that is to be made again: its choice is taken.
    """

    pipeline: str
    task: str
    fields: tuple[Field, ...]
    target: str = ""
    task_options: dict[str, Any] = field(default_factory=dict)
    recipe: str = "auto"
    preset: str = "fast"
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 42
    metrics: tuple[str, ...] = ()
    time: str | None = None
    key: str | None = None
    drop: tuple[str, ...] = ()
    fairness: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    split_by: str = "hash"
    group: str | None = None
    champion_version: str | None = None
    champion_trained_through: str | None = None
    challenger_trained_through: str | None = None
    min_rows: int = 200
    purpose: str = "train"
    max_minutes: float = 30.0
    search: dict[str, Any] = field(default_factory=dict)
    trials: int = 0

    @property
    def search_s(self) -> float:
        """How long candidates may be tried: a third of the job's time, so that fitting and judging have theirs."""
        return self.max_minutes * 60 / 3

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


def load_parameters(path: Path, rules: Rules) -> Parameters:
    """Read and check the parameters; raise `UserError` naming the first that is wrong."""
    if not path.is_file():
        raise UserError(f"The channel 'parameters' has no {path.name}; the job needs its parameters there.")
    return parse_parameters(json.loads(path.read_text(encoding="utf-8")), rules)


def parse_parameters(document: dict[str, Any], rules: Rules) -> Parameters:
    """Turn the JSON document into checked `Parameters`.

    Raises
    ------
    UserError
        A required entry is missing, a value is not among those allowed, or the target is no column.
    """
    if document.get("format") != FORMAT:
        raise UserError(f"parameters.json has format {document.get('format')!r}, this recipe reads {FORMAT}.")
    _require(document, rules)
    champion, split = document.get("champion") or {}, document.get("split") or {}
    # What is absent or null takes the default of `Parameters`, which is said in one place only.
    stated = {name: document[name] for name in STATED if document.get(name) is not None}
    listed: dict[str, Any] = {name: tuple(document.get(name) or ()) for name in LISTED}
    parameters = Parameters(
        **stated,
        **listed,
        fields=_parse_fields(document["schema"], rules),
        split_by=split.get("by", "hash"),
        group=split.get("group"),
        champion_version=champion.get("version"),
        champion_trained_through=champion.get("trained_through"),
        challenger_trained_through=(document.get("challenger") or {}).get("trained_through"),
    )
    _check(parameters, rules)
    return parameters


def _require(document: dict[str, Any], rules: Rules) -> None:
    required = (*REQUIRED, "target") if rules.needs_target else REQUIRED
    missing = [name for name in required if not document.get(name)]
    if missing:
        raise UserError(f"parameters.json lacks {', '.join(missing)}.")


def _parse_fields(schema: dict[str, Any], rules: Rules) -> tuple[Field, ...]:
    missing = schema.get("missingValues") or ()
    # Who cannot learn from bytes had better not read them: a column of pictures would not fit into memory.
    kept = [e for e in schema.get("fields", ()) if rules.reads_bytes or e.get("type") != "binary"]
    return tuple(_parse_field(entry, missing) for entry in kept)


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


def _check(parameters: Parameters, rules: Rules) -> None:
    _one_of("task", parameters.task, rules.tasks)
    _one_of("recipe", parameters.recipe, rules.recipes)
    _one_of("preset", parameters.preset, PRESETS)
    _one_of("purpose", parameters.purpose, PURPOSES)
    _one_of("split.by", parameters.split_by, SPLITS)
    for form in parameters.export:
        _one_of("export", form, EXPORTS)
    for column in parameters.fields:
        _one_of(f"type of the column '{column.name}'", column.type, FIELD_TYPES)
    _check_columns(parameters)
    if rules.needs_features and not parameters.features:
        raise UserError(
            "No column is left to learn from once the target, the key, dropped columns and whole numbers that name rows are out."
        )
    times = [f.name for f in parameters.fields if f.type in ("datetime", "date")]
    if parameters.judges_by_time and parameters.time not in times:
        raise UserError(f"The time column '{parameters.time}' is not a date or datetime column of the data.")


def _check_columns(parameters: Parameters) -> None:
    names = [f.name for f in parameters.fields]
    roles = {"target": parameters.target or None, "row key": parameters.key, "group": parameters.group}
    for role, name in roles.items():
        if name is not None and name not in names:
            raise UserError(
                f"The {role} '{name}' is not a column of the data; columns are {', '.join(names)}."
            )


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"The {what} is {value!r}; allowed are {', '.join(allowed)}.")
