"""Did a second training of the same inputs give the same model? Judged member by member, metric by metric, row by row."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from chalicelib.training.evaluation import Evaluation

# Libraries of the same versions give the same bytes here; another processor may round the last digits otherwise.
TOLERANCE = 1e-6
# Files beside the model that tell of a run (its times, its figures) and do not answer anything.
_TOLD = ("evaluation.json", "serving.json", "card.md", "versions.json")
_MOST_NAMED = 20


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one training left: the SHA-256 of each member of its archive, and the documents in it."""

    members: dict[str, str]
    documents: dict[str, bytes]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the original run and of the repetition; None is NaN or absent."""

    was: float | None
    now: float | None
    difference: float | None


class Predictions(msgspec.Struct, frozen=True, kw_only=True):
    """The golden rows of both: how many are answered otherwise, and the largest difference of any number."""

    rows: int
    differing: int
    largest_difference: float


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """The files that answer, of both runs, by one hash over all of them; ``differing`` names those that are not equal."""

    is_same: bool
    was_sha256: str
    now_sha256: str
    differing: tuple[str, ...] = ()


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """How a repetition compares.

    ``outcome`` is ``identical`` (the model's files are equal byte for byte), ``equivalent`` (metrics and predictions
    within the tolerance) or ``different``; ``reasons`` say what differs. ``libraries`` maps a package to its versions
    then and now.
    """

    format: int = 1
    pipeline: str
    version: str
    job_id: str
    outcome: str
    reasons: tuple[str, ...]
    tolerance: float = TOLERANCE
    model_files: Files
    metrics: dict[str, Pair]
    predictions: Predictions
    libraries: dict[str, tuple[str | None, str | None]]


def compare_runs(pipeline: str, version: str, job_id: str, original: Run, again: Run) -> Reproduction:
    """Return how the run of *job_id* compares with the one that made the version."""
    files = _compare_files(original.members, again.members)
    metrics = _compare_metrics(_evaluation(original), _evaluation(again))
    predictions = _compare_predictions(original.documents["golden.jsonl"], again.documents["golden.jsonl"])
    libraries = _compare_libraries(original.documents["versions.json"], again.documents["versions.json"])
    reasons = tuple(_reasons(files, metrics, predictions, libraries))
    is_close = not predictions.differing and all(map(_is_close, metrics.values()))
    outcome = "different" if not is_close else "identical" if files.is_same else "equivalent"
    return Reproduction(
        pipeline=pipeline,
        version=version,
        job_id=job_id,
        outcome=outcome,
        reasons=reasons,
        model_files=files,
        metrics=metrics,
        predictions=predictions,
        libraries=libraries,
    )


def hash_members(members: Mapping[str, str]) -> str:
    """Return one hash over the files that answer: what an archive says of its making (order, times) is left out."""
    lines = [f"{name} {digest}\n" for name, digest in sorted(members.items()) if _answers(name)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _answers(name: str) -> bool:
    return name not in _TOLD and not name.startswith("plots/")


def _compare_files(was: Mapping[str, str], now: Mapping[str, str]) -> Files:
    differing = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name) and _answers(name)]
    return Files(
        is_same=not differing,
        was_sha256=hash_members(was),
        now_sha256=hash_members(now),
        differing=tuple(differing[:_MOST_NAMED]),
    )


def _evaluation(run: Run) -> dict[str, float | None]:
    found = msgspec.json.decode(run.documents["evaluation.json"], type=Evaluation)
    # What was timed is of the machine, not of the model.
    return {name: value for name, value in found.metrics.challenger.items() if not name.endswith("_ms")}


def _compare_metrics(was: Mapping[str, float | None], now: Mapping[str, float | None]) -> dict[str, Pair]:
    return {name: _pair(was.get(name), now.get(name)) for name in sorted({*was, *now})}


def _pair(was: float | None, now: float | None) -> Pair:
    known = was is not None and now is not None
    return Pair(was=was, now=now, difference=now - was if known else None)  # type: ignore[operator]


def _is_close(pair: Pair) -> bool:
    if pair.was is None or pair.now is None:
        return pair.was is pair.now
    return math.isclose(pair.was, pair.now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _compare_predictions(was: bytes, now: bytes) -> Predictions:
    one, other = ([msgspec.json.decode(line) for line in text.splitlines() if line] for text in (was, now))
    differences = [_distance(a, b) for a, b in zip(one, other, strict=False)]
    missing = abs(len(one) - len(other))
    finite = [difference for difference in differences if math.isfinite(difference)]
    return Predictions(
        rows=max(len(one), len(other)),
        differing=missing + sum(difference > TOLERANCE for difference in differences),
        largest_difference=max(finite, default=0.0),
    )


def _distance(one: Any, other: Any) -> float:
    """Return the largest relative difference of two numbers anywhere in two values; infinity where they are not alike."""
    members = _side_by_side(one, other)
    if members is not None:
        return max((_distance(a, b) for a, b in members), default=0.0)
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) / max(1.0, abs(one))
    return 0.0 if one == other else math.inf


def _side_by_side(one: Any, other: Any) -> list[tuple[Any, Any]] | None:
    """Return the members of two objects or arrays in pairs; None where they are neither, or not alike."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [(one[name], other[name]) for name in one]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return list(zip(one, other, strict=True))
    return None


def _compare_libraries(was: bytes, now: bytes) -> dict[str, tuple[str | None, str | None]]:
    one, other = (_versions(text) for text in (was, now))
    changed = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return {name: (one.get(name), other.get(name)) for name in changed}


def _versions(text: bytes) -> dict[str, str]:
    document = msgspec.json.decode(text)
    return {"python": document.get("python", ""), **document.get("packages", {})}


def _reasons(
    files: Files,
    metrics: Mapping[str, Pair],
    predictions: Predictions,
    libraries: Mapping[str, tuple[str | None, str | None]],
) -> list[str]:
    told = [f"{name} was {was or 'absent'}, is {now or 'absent'}" for name, (was, now) in libraries.items()]
    if files.differing:
        told.append(f"other bytes in: {', '.join(files.differing)}")
    told += [f"{name} was {pair.was}, is {pair.now}" for name, pair in metrics.items() if not _is_close(pair)]
    if predictions.differing:
        told.append(f"{predictions.differing} of {predictions.rows} golden rows are answered otherwise")
    return told
