"""Bodies to arrays and back, with the image's own quirks."""

import csv
import io
import json
from typing import Any

import numpy as np

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
TEXT_TYPES = (JSON, CSV)


class UnsupportedFormatError(Exception):
    """A content type that has no codec."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


def decode(body: Any, content_type: str) -> Any:
    """Return the body as an array."""
    if content_type == JSON:
        return np.array(json.loads(body))
    if content_type == CSV:
        return _from_csv(body)
    if content_type == NPY:
        return np.load(io.BytesIO(body), allow_pickle=False)
    raise UnsupportedFormatError(content_type)


def encode(value: Any, content_type: str) -> str | bytes:
    """Return an array-like as a body."""
    if content_type == JSON:
        return json.dumps(value, default=_to_list)
    if content_type == CSV:
        return _to_csv(value)
    if content_type == NPY:
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        return buffer.getvalue()
    raise UnsupportedFormatError(content_type)


def _from_csv(body: str) -> Any:
    """One row becomes one dimension (`squeeze`), which no scikit-learn model takes: the image's known trap.

    Text that is no number stays text, as in the image; the cast to float32 that follows then fails.
    """
    array = np.array(list(csv.reader(io.StringIO(body), strict=True))).squeeze()
    try:
        return array.astype(float)
    except ValueError:
        return array


def _to_csv(value: Any) -> str:
    array = np.array(value)
    rows = array.reshape(-1, 1) if array.ndim == 1 else array
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _to_list(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
