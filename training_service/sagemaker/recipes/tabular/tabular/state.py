"""What a tabular model is on disk beside `model.skops`: the intervals of a regression."""

import json
from collections.abc import Mapping
from pathlib import Path

from recipe.artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline, save_pipeline, write_json
from recipe.failure import ModelRefusedError
from recipe.signature import parse_signature
from sklearn.pipeline import Pipeline

from .intervals import CONFIDENCE, Intervals
from .predictor import Predictor

INTERVALS_FILE, DIFFICULTY_FILE = "intervals.json", "difficulty.skops"


def save_intervals(intervals: Intervals | None, folder: Path) -> None:
    """Write them, if there are any."""
    if intervals is None:
        return
    document = {"confidence": CONFIDENCE, "width": intervals.width, "floor": intervals.floor}
    write_json(folder / INTERVALS_FILE, document)
    if intervals.difficulty is not None:
        save_pipeline(Pipeline([("difficulty", intervals.difficulty)]), folder, DIFFICULTY_FILE)


def load(files: Mapping[str, bytes]) -> Predictor:
    """Return the model in the files; raise `ModelRefusedError` when it is not safe."""
    return Predictor(
        pipeline=load_pipeline(files[MODEL_FILE]),
        signature=parse_signature(files[SIGNATURE_FILE]),
        intervals=_load_intervals(files),
    )


def _load_intervals(files: Mapping[str, bytes]) -> Intervals | None:
    if INTERVALS_FILE not in files:
        return None
    difficulty = files.get(DIFFICULTY_FILE)
    try:
        document = json.loads(files[INTERVALS_FILE])
        return Intervals(
            width=float(document["width"]),
            floor=float(document["floor"]),
            difficulty=load_pipeline(difficulty) if difficulty else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(f"{INTERVALS_FILE} cannot be read: {error!r}") from error
