"""What a model of tastes is on disk: ids as JSON, everything else as arrays of numbers; nothing is unpickled."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recipe.artifact import SIGNATURE_FILE, write_json
from recipe.failure import ModelRefusedError
from recipe.signature import parse_signature
from scipy.sparse import csr_matrix

from .predictor import Recommender
from .ratings import Ratings

IDS_FILE, ARRAYS_FILE = "recommender.json", "recommender.npz"
FORMAT = 1
MATRICES = ("taken", "neighbours")


def save(model: Recommender, folder: Path) -> None:
    """Write the model's files; the same bytes for the same model."""
    write_json(folder / SIGNATURE_FILE, model.signature.to_document())
    ids = {"format": FORMAT, "users": list(model.users), "items": list(model.items)}
    (folder / IDS_FILE).write_text(json.dumps(ids), encoding="utf-8")
    arrays: dict[str, Any] = {"popularity": model.popularity}
    for name in MATRICES:
        matrix = getattr(model, name)
        arrays |= {
            f"{name}_data": matrix.data,
            f"{name}_ends": matrix.indptr,
            f"{name}_places": matrix.indices,
        }
    if model.ratings:
        told = model.ratings
        arrays |= {
            "rating": np.array([told.mean, told.low, told.high]),
            "user_rating": told.user,
            "item_rating": told.item,
        }
    with (folder / ARRAYS_FILE).open("wb") as out:
        np.savez_compressed(out, **arrays)


def load(files: Mapping[str, bytes]) -> Recommender:
    """Return the model in the files; raise `ModelRefusedError` when it is not whole or not safe."""
    signature = parse_signature(files[SIGNATURE_FILE])
    try:
        ids = json.loads(files[IDS_FILE])
        users, items = tuple(ids["users"]), tuple(ids["items"])
        with np.load(io.BytesIO(files[ARRAYS_FILE]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return Recommender(
            signature=signature,
            users=users,
            items=items,
            taken=_matrix(arrays, "taken", (len(users), len(items))),
            neighbours=_matrix(arrays, "neighbours", (len(items), len(items))),
            popularity=_sized(arrays["popularity"], len(items)),
            ratings=_ratings(arrays, len(users), len(items)),
        )
    except (ValueError, KeyError, TypeError, EOFError, OSError) as error:
        raise ModelRefusedError(f"{IDS_FILE} and {ARRAYS_FILE} cannot be read: {error!r}") from error


def _matrix(arrays: Mapping[str, Any], name: str, shape: tuple[int, int]) -> csr_matrix:
    matrix = csr_matrix(
        (arrays[f"{name}_data"], arrays[f"{name}_places"], arrays[f"{name}_ends"]), shape=shape
    )
    # Places beyond the shape would be read from foreign memory.
    matrix.check_format(full_check=True)
    return matrix


def _ratings(arrays: Mapping[str, Any], users: int, items: int) -> Ratings | None:
    if "rating" not in arrays:
        return None
    mean, low, high = arrays["rating"].tolist()
    return Ratings(
        mean=mean,
        low=low,
        high=high,
        user=_sized(arrays["user_rating"], users),
        item=_sized(arrays["item_rating"], items),
    )


def _sized(values: Any, count: int) -> Any:
    if values.shape != (count,):
        raise ValueError(f"an array has the shape {values.shape} instead of ({count},)")
    return values
