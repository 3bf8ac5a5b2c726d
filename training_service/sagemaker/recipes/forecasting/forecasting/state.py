"""What a forecasting model keeps beside `model.skops`: the last values of every series and the widths of its intervals."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from recipe.artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline, save_pipeline, write_json
from recipe.failure import ModelRefusedError
from recipe.metrics import Floats
from recipe.signature import parse_signature
from sklearn.pipeline import Pipeline

from .features import Facts, Shape
from .grid import Grid
from .panel import Panel
from .predictor import Predictor, Widths

FORECAST_FILE, HISTORY_FILE = "forecast.json", "history.npz"
FORMAT = 1
ARRAYS = ("values", "code", "level", "scale", "known", "cold")


def save(predictor: Predictor, folder: Path) -> None:
    """Write the model's files; without pickle, and the same bytes for the same model."""
    save_pipeline(predictor.pipeline, folder)
    write_json(folder / SIGNATURE_FILE, predictor.signature.to_document())
    panel = predictor.panel
    document = {
        "format": FORMAT,
        "grid": asdict(panel.grid),
        "shape": asdict(predictor.shape),
        "start": panel.start,
        "keys": [list(key) for key in panel.keys],
    }
    write_json(folder / FORECAST_FILE, document)
    arrays = {"values": panel.values, **vars(predictor.facts), **vars(predictor.widths)}
    with (folder / HISTORY_FILE).open("wb") as out:
        np.savez_compressed(out, **arrays)


def load(files: Mapping[str, bytes]) -> Predictor:
    """Return the model in the files; raise `ModelRefusedError` when it is not whole or not safe."""
    pipeline: Pipeline = load_pipeline(files[MODEL_FILE])
    signature = parse_signature(files[SIGNATURE_FILE])
    arrays = _read_arrays(files[HISTORY_FILE])
    try:
        document = json.loads(files[FORECAST_FILE])
        panel = Panel(
            grid=Grid(**document["grid"]),
            start=int(document["start"]),
            keys=tuple(tuple(key) for key in document["keys"]),
            values=arrays["values"],
        )
        shape = Shape(**document["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(f"{FORECAST_FILE} cannot be read: {error!r}") from error
    if panel.values.ndim != 2 or len(panel.values) != len(panel.keys):
        raise ModelRefusedError(f"{HISTORY_FILE} and {FORECAST_FILE} do not belong together.")
    return Predictor(
        pipeline=pipeline,
        signature=signature,
        shape=shape,
        facts=Facts(code=arrays["code"], level=arrays["level"], scale=arrays["scale"]),
        panel=panel,
        widths=Widths(known=arrays["known"], cold=arrays["cold"]),
    )


def _read_arrays(content: bytes) -> dict[str, Floats]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: np.asarray(archive[name], dtype=np.float64) for name in ARRAYS}
    except (ValueError, KeyError, EOFError, OSError) as error:
        raise ModelRefusedError(f"{HISTORY_FILE} cannot be read: {error}") from error
