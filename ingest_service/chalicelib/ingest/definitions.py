"""What a pipeline's definition must be beyond the types of its fields."""

import difflib
import re
from collections.abc import Iterator

import msgspec
from chalicelib.ingest.data_section import Check, data_checks
from chalicelib.ingest.release_section import release_checks
from chalicelib.ingest.table_schema.declaring import parse_declared

from shared.entities.gate_clauses import FORMS, ClauseError, parse_clause
from shared.entities.pipeline import (
    FAIRNESS_METRICS,
    IMAGE_FORM,
    METRICS,
    SERVING_METRICS,
    Forecasting,
    PipelineDefinition,
    fraction,
    group_column,
    task_of,
)
from shared.errors import FieldError, InvalidBody, PayloadTooLarge

# An item of DynamoDB has 400 KB. A list of digits grows most on its way there: 2 bytes of JSON become 3.
MAX_BYTES = 256 * 1024
# ECR of any account; a tag before the digest is allowed, as `docker push` prints it, and means nothing.
_IMAGE = re.compile(
    r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}"
)


def check_definition(name: str, definition: PipelineDefinition) -> None:
    """Refuse a definition that contradicts itself; whether its columns exist only an upload can tell.

    Raises
    ------
    InvalidBody
        With an entry for every wrong place.
    PayloadTooLarge
        It is too long to be stored.
    """
    if len(msgspec.json.encode(definition)) > MAX_BYTES:
        raise PayloadTooLarge(
            f"the definition has more than {MAX_BYTES:,} bytes; move long lists out of data.schema"
        )
    checks = (
        *_checks(name, definition),
        *data_checks(definition.data),
        *_model_checks(definition),
        *_column_checks(definition),
        *_gate_checks(definition),
        *release_checks(definition),
    )
    errors = [FieldError(pointer=pointer, detail=detail) for wrong, pointer, detail in checks if wrong]
    errors += _schema_errors(definition)
    if errors:
        raise InvalidBody(f"{errors[0].pointer}: {errors[0].detail}", tuple(errors))


def _checks(name: str, definition: PipelineDefinition) -> list[Check]:
    data, split = definition.data, definition.split
    held_out = fraction(split.test) + fraction(split.validation)
    is_forecasting = isinstance(definition, Forecasting)
    return [
        (definition.name != name, "/name", f"{definition.name!r} is not the name in the path, {name!r}"),
        (split.by == "time" and not data.time, "/split/by", "splitting by time needs data.time"),
        (
            is_forecasting and split.by != "time",
            "/split/by",
            "a forecast is judged on times after those it learned from: split by time",
        ),
        (fraction(split.test) <= 0, "/split/test", "must be more than 0%: a model is judged on it"),
        (held_out >= 1, "/split/validation", "test and validation together leave nothing to train on"),
    ]


def _model_checks(definition: PipelineDefinition) -> Iterator[Check]:
    """Yield what is wrong with the image: a tag can be moved, so a model must not be known by one."""
    image = definition.model.image
    if image is not None:
        found = (
            "names no digest, and what a tag means can change" if "@sha256:" not in image else "is no address"
        )
        yield not _IMAGE.fullmatch(image), "/model/image", f"{image!r} {found}; write {IMAGE_FORM}"


def _column_checks(definition: PipelineDefinition) -> Iterator[Check]:
    """Yield what is wrong with the columns among themselves: dropped, named twice, two times of one row."""
    data, own = definition.data, _own_columns(definition)
    known: dict[str, str] = {}
    for pointer, column in own:
        also = known.setdefault(column, pointer)
        yield also != pointer, pointer, f"{column!r} is also {also}"
    predicted = [(pointer, column) for pointer, column in own if pointer in {"/target", "/rating"}]
    for pointer, column in predicted:
        used = column in {data.key, data.time} and known.get(column) == pointer
        yield used, pointer, "is also the key or the time column"
        grouped = column == group_column(definition.split.by)
        yield grouped, "/split/by", f"{column!r} is what is predicted; group by another column"
    time = dict(own).get("/time")
    yield bool(time) and time != data.time, "/data/time", f"is not /time, {time!r}; leave it out"
    needed = {data.key, data.time, group_column(definition.split.by), *known}
    yield (
        bool(needed & set(data.drop)),
        "/data/drop",
        "drops the target, key or time column, or another in use",
    )


def _own_columns(definition: PipelineDefinition) -> list[tuple[str, str]]:
    """Return pointer and name of every column that the task's own keys name."""
    names = ("target", "time", "user", "item", "rating")
    single = [(f"/{name}", getattr(definition, name, None)) for name in names]
    many = [
        (f"/{name}/{place}", column)
        for name in ("series", "text")
        for place, column in enumerate(getattr(definition, name, ()))
    ]
    return [(pointer, column) for pointer, column in (*single, *many) if column]


def _schema_errors(definition: PipelineDefinition) -> tuple[FieldError, ...]:
    """Return what is wrong with the schema that the definition declares, and with what it leaves out."""
    if definition.data.schema is None:
        return ()
    try:
        declared = parse_declared(definition.data.schema, "/data/schema")
    except InvalidBody as error:
        return error.errors
    names = {field.name for field in declared.fields}
    own = (column for _, column in _own_columns(definition))
    used = (
        *own,
        definition.data.key,
        definition.data.time,
        group_column(definition.split.by),
        *definition.model.fairness,
    )
    return tuple(
        FieldError(pointer="/data/schema/fields", detail=f"has no field {column!r}, which the pipeline uses")
        for column in dict.fromkeys(used)
        if column and column not in names
    )


def _out_of_place(metric: str, reference: str | None, definition: PipelineDefinition) -> str | None:
    """Return why a metric that the task has cannot be asked for like this, None where it can."""
    if metric in SERVING_METRICS and reference == "baseline":
        return f"the naive baseline is not served and has no {metric}; compare with a number or the champion"
    measured = metric not in FAIRNESS_METRICS.get(task_of(definition), ()) or definition.model.fairness
    return None if measured else f"{metric} is measured only where model.fairness names columns"


def _gate_checks(definition: PipelineDefinition) -> list[Check]:
    found = (
        (f"/gate/{place}", _wrong_clause(clause, definition)) for place, clause in enumerate(definition.gate)
    )
    return [(wrong is not None, pointer, wrong or "") for pointer, wrong in found]


def _wrong_clause(text: str, definition: PipelineDefinition) -> str | None:
    """Return what is wrong with a clause of the gate, None where nothing is."""
    try:
        clause = parse_clause(text)
    except ClauseError as error:
        return f"{error}; clauses are {FORMS}"
    task = task_of(definition)
    if clause.metric in METRICS[task]:
        return _out_of_place(clause.metric, clause.reference, definition)
    # A metric that no recipe reports would fail every model, weeks after the typing error.
    close = difflib.get_close_matches(clause.metric, METRICS[task], n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{clause.metric!r} is no metric of {task} (it has {', '.join(METRICS[task])}){meant}"
