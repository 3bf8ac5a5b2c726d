"""What a transform job keeps of its records (DataProcessing): filtered before they are asked, joined with the answers.

filter the inputs -> ask -> join with the whole inputs -> filter what was joined.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
from typing import Any, Final

from localcloud.sagemaker.errors import ClientJobError, validation
from localcloud.sagemaker.jobs.json_path import BadPath, parse, select
from localcloud.sagemaker.store import Row

_CSV: Final = "text/csv"
_JSON: Final = "application/json"
_LINES: Final = "application/jsonlines"


def check(request: Row) -> None:
    """Refuse filters that are not understood, and records of which neither filter nor join can be made."""
    asked = request.get("DataProcessing")
    if not asked:
        return
    source = request["TransformInput"]
    kind = source.get("ContentType")
    if kind not in (_CSV, _JSON, _LINES):
        raise validation(f"DataProcessing needs a ContentType of {_CSV}, {_JSON} or {_LINES}, not {kind}.")
    if kind != _JSON and source.get("SplitType", "None") != "Line":
        raise validation(f"DataProcessing of {kind} needs SplitType Line.")
    try:
        for name in ("InputFilter", "OutputFilter"):
            parse(asked.get(name) or "$")
    except BadPath as error:
        raise validation(f"DataProcessing: {error}") from error


def filtered(body: bytes, request: Row) -> bytes:
    """Return an object as the container is to see it."""
    path = (request.get("DataProcessing") or {}).get("InputFilter") or "$"
    if path == "$":
        return body
    kind = request["TransformInput"]["ContentType"]
    return _written([_chosen(record, path) for record in _records(body, kind)], kind)


def joined(body: bytes, answers: bytes, request: Row) -> bytes:
    """Return what is written of the answers to an object: joined and filtered as the request says.

    Raises
    ------
    ClientJobError
        There are not as many answers as records, or the filter finds nothing in one.
    """
    asked = request.get("DataProcessing") or {}
    path, is_joined = asked.get("OutputFilter") or "$", asked.get("JoinSource", "None") == "Input"
    if path == "$" and not is_joined:
        return answers
    kind = request["TransformInput"]["ContentType"]
    found = _records(answers, kind)
    if is_joined:
        found = _join_each(_records(body, kind), found)
    return _written([_chosen(one, path) for one in found], kind)


def _records(body: bytes, kind: str) -> list[Any]:
    """Return the records: arrays of text for a CSV, values for JSON."""
    try:
        text = body.decode()
        if kind == _CSV:
            return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        if kind == _LINES:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return [json.loads(text)]
    except ValueError as error:
        raise ClientJobError(f"DataProcessing: a record is not {kind}: {error}") from error


def _written(records: list[Any], kind: str) -> bytes:
    if kind == _CSV:
        out = io.StringIO(newline="")
        rows = [record if isinstance(record, list) else [record] for record in records]
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()
    end = "\n" if kind == _LINES else ""
    return "".join(json.dumps(record, ensure_ascii=False) + end for record in records).encode()


def _chosen(record: Any, path: str) -> Any:
    try:
        return select(record, parse(path))
    except BadPath as error:
        raise ClientJobError(f"DataProcessing: {path}: {error}") from error


def _join_each(records: list[Any], answers: list[Any]) -> list[Any]:
    if len(records) != len(answers):
        raise ClientJobError(f"{len(answers)} answers cannot be joined with {len(records)} records")
    return [_join(record, answer) for record, answer in zip(records, answers, strict=True)]


def _join(record: Any, answer: Any) -> Any:
    if isinstance(record, list) and isinstance(answer, list):
        return [*record, *answer]
    own = record if isinstance(record, dict) else {"SageMakerInput": record}
    return own | {"SageMakerOutput": answer}
