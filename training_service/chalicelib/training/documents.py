"""The documents beside a model, read as far as a row needs them, and held against the recipes' contract.

A recipe may be a user's own, so nothing is taken for granted: what a gate, a release or a request would stumble over
later ends the job now, with a sentence that names the document and the place.
"""

import re
from typing import Any, Literal

import msgspec
from chalicelib.training.archive import BadArtifact
from chalicelib.training.evaluation import Evaluation, Interval, decode_evaluation

MAX_SIGNATURE_BYTES = 200 * 1024  # it becomes part of a row, and a row holds 400 KB
MAX_GOLDEN_ROWS = 1000  # one request asks them all
_NOT_JSON = re.compile(rb"\b(NaN|-?Infinity)\b")


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """What a model version's row takes from its documents."""

    evaluation: Evaluation
    inputs: dict[str, Any]
    versions: dict[str, str]


class _Versions(msgspec.Struct, frozen=True):
    """``versions.json``: what the container really had."""

    python: str
    packages: dict[str, str] = {}


class _Input(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: Literal["integer", "number", "string", "boolean", "datetime", "date", "binary", "object", "array"]
    required: bool = False
    categories: tuple[str, ...] | None = None
    fields: tuple["_Input", ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class _Signature(msgspec.Struct, frozen=True, kw_only=True):
    inputs: tuple[_Input, ...]


class _GoldenRow(msgspec.Struct, frozen=True, kw_only=True):
    record: dict[str, Any]
    prediction: dict[str, Any]


def parse_documents(documents: dict[str, bytes], task: str) -> Documents:
    """Return what the row needs.

    Raises
    ------
    BadArtifact
        A document is none, or does not keep the contract; the message says which and where.
    """
    signature = documents["signature.json"]
    if len(signature) > MAX_SIGNATURE_BYTES:
        raise BadArtifact(f"signature.json is larger than {MAX_SIGNATURE_BYTES} bytes; drop unused columns")
    evaluation = read_evaluation(documents["evaluation.json"], documents.get("serving.json"))
    check_evaluation(evaluation, task)
    _decode("signature.json", signature, _Signature)
    _check_golden(documents["golden.jsonl"])
    versions = _decode("versions.json", documents["versions.json"], _Versions)
    return Documents(
        evaluation=evaluation,
        # Whole, not only what was checked: requests are held against all that the recipe says of its inputs.
        inputs=msgspec.json.decode(signature, type=dict[str, Any]),
        versions={"python": versions.python, **versions.packages},
    )


def read_evaluation(body: bytes, serving: bytes | None) -> Evaluation:
    """Return ``evaluation.json`` with ``serving.json``; a ``BadArtifact`` says what in them cannot be read."""
    try:
        return decode_evaluation(body, serving)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable("evaluation.json", body + (serving or b""), error) from error


def check_evaluation(evaluation: Evaluation, task: str) -> None:
    """Refuse figures that no gate could judge by; a null where a number belongs is the gate's to refuse."""
    primary, scores = evaluation.primary, evaluation.metrics
    wrong = [
        (evaluation.format != 1, f"format is {evaluation.format}, not 1"),
        (evaluation.task != task, f"task is {evaluation.task!r}, but the pipeline's is {task!r}"),
        (evaluation.rows < 0, f"rows is {evaluation.rows}"),
        (primary not in scores.challenger, f"metrics.challenger has no {primary!r}, the primary metric"),
        (primary not in scores.baseline, f"metrics.baseline has no {primary!r}, the primary metric"),
        (primary not in evaluation.higher_is_better, f"higher_is_better does not know {primary!r}"),
        (
            primary not in evaluation.differences.baseline,
            f"differences.baseline has no {primary!r}: the interval that the gate judges by",
        ),
    ]
    told = [sentence for is_wrong, sentence in wrong if is_wrong] + _crossed(evaluation)
    if told:
        raise BadArtifact(f"evaluation.json: {told[0]}")


def _crossed(evaluation: Evaluation) -> list[str]:
    """Return a sentence for each interval that ends before it begins."""
    differences = {
        "baseline": evaluation.differences.baseline,
        "champion": evaluation.differences.champion or {},
    }
    return [
        f"differences.{whose}.{metric} goes from {interval.low} to {interval.high}"
        for whose, found in differences.items()
        for metric, interval in found.items()
        if _is_crossed(interval)
    ]


def _is_crossed(interval: Interval) -> bool:
    return interval.low is not None and interval.high is not None and interval.low > interval.high


def _check_golden(body: bytes) -> None:
    """Refuse golden rows that no endpoint could be asked: found out at the release, the model would wait for nothing."""
    rows = _decode_lines(body)
    if not 1 <= len(rows) <= MAX_GOLDEN_ROWS:
        raise BadArtifact(f"golden.jsonl has {len(rows)} rows; 1 to {MAX_GOLDEN_ROWS} prove an endpoint")
    said = ("value", "points", "items")
    silent = next((n for n, row in enumerate(rows) if not set(said) & row.prediction.keys()), None)
    if silent is not None:
        raise BadArtifact(f"golden.jsonl, row {silent}: the prediction has none of {', '.join(said)}")


def _decode_lines(body: bytes) -> list[_GoldenRow]:
    try:
        return msgspec.json.Decoder(_GoldenRow).decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable("golden.jsonl", body, error) from error


def _decode[T](name: str, body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(name, body, error) from error


def _unreadable(name: str, body: bytes, error: Exception) -> BadArtifact:
    found = _NOT_JSON.search(body)
    if found and not isinstance(error, msgspec.ValidationError):
        return BadArtifact(f"{name} cannot be read: it has {found[0].decode()}, which is no JSON; write null")
    return BadArtifact(f"{name} cannot be read: {error}")
