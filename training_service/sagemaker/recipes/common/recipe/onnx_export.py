"""A model as `model.onnx` beside its artifact, written only where it answers as the model itself does.

Converters are silently wrong in places (categories in boosting, texts that are not ASCII), so the file is asked about
every judged row and every golden one before it is kept. Nothing else depends on it: a model version without it is whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .columns import Columns, row_count
from .metrics import Floats

ONNX_FILE = "model.onnx"
# What 32-bit scores of one and the same model may differ by, between 0 and 1; values are measured in units of their spread.
TOLERANCE = 1e-6
# What is copied beside the model must fit a function's memory; the same limit as for every document in the archive.
MAX_BYTES = 4 * 1024 * 1024
LIBRARIES = ("skl2onnx", "onnxruntime")


@dataclass(frozen=True, kw_only=True)
class OnnxForm:
    """How a family's models become ONNX.

    Attributes
    ----------
    convert
        From a model to the bytes of a file; it may raise whatever a converter raises.
    feed
        From a model and columns to the inputs of that file, by name.
    answer
        From a model and columns to what its last output must be: scores of shape (rows, classes), or values.
    """

    convert: Callable[[Any], bytes]
    feed: Callable[[Any, Columns], Mapping[str, Any]]
    answer: Callable[[Any, Columns], Floats]


def export_onnx(folder: Path, form: OnnxForm | None, model: Any, asked: list[Columns]) -> dict[str, Any]:
    """Write `model.onnx` into the folder if it passes; return what the evaluation says of it.

    Parameters
    ----------
    asked
        The judged rows and the golden ones, which it must all answer as the model does.
    """
    if form is None:
        return _none("models of this family have no ONNX form")
    try:
        import onnxruntime
        import skl2onnx  # noqa: F401 - asked for before the work begins
    except ImportError:
        return _none(f"the image has no {' and '.join(LIBRARIES)}; bring an image that has both")
    try:
        content = form.convert(model)
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        parity = [_compare(session, form, model, columns) for columns in asked if row_count(columns)]
    except Exception as error:  # noqa: BLE001
        # A converter fails in as many ways as it has parts, and none of them may cost the model version.
        return _none(
            f"it could not be converted: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        )
    return _keep(folder, content, parity)


@dataclass(frozen=True, kw_only=True)
class _Parity:
    """How many rows were asked, how many answers were another class, and the largest difference of a score."""

    rows: int
    flips: int
    largest: float


def _compare(session: Any, form: OnnxForm, model: Any, columns: Columns) -> _Parity:
    expected = form.answer(model, columns)
    given = np.asarray(session.run(None, dict(form.feed(model, columns)))[-1], dtype=np.float64)
    given = given.reshape(expected.shape)
    if expected.ndim == 1:
        spread = max(float(np.std(expected)), float(np.abs(expected).mean()), np.finfo(np.float64).tiny)
        return _Parity(rows=len(expected), flips=0, largest=float(np.abs(given - expected).max() / spread))
    flips = int((given.argmax(axis=1) != expected.argmax(axis=1)).sum())
    return _Parity(rows=len(expected), flips=flips, largest=float(np.abs(given - expected).max()))


def _keep(folder: Path, content: bytes, parity: list[_Parity]) -> dict[str, Any]:
    figures = {
        "rows": sum(one.rows for one in parity),
        "flips": sum(one.flips for one in parity),
        # NaN is larger than anything here: a score that is none must not pass.
        "largest_difference": float(np.max([one.largest for one in parity], initial=0.0)),
        "tolerance": TOLERANCE,
    }
    reason = _refusal(content, figures)
    if reason is None:
        (folder / ONNX_FILE).write_bytes(content)
    return {"written": reason is None, "reason": reason, **figures}


def _refusal(content: bytes, figures: Mapping[str, Any]) -> str | None:
    rows, flips, largest = figures["rows"], figures["flips"], figures["largest_difference"]
    if not rows:
        return "no row could be asked, so nothing shows that it answers as the model does"
    if flips or not largest <= TOLERANCE:
        return (
            f"it answers otherwise than the model: {flips} of {rows} rows get another class, "
            f"scores differ by up to {largest:.3g} (allowed: 0 and {TOLERANCE:g})"
        )
    if len(content) > MAX_BYTES:
        return f"it has {len(content)} bytes, more than the {MAX_BYTES} that are kept beside a model"
    return None


def _none(reason: str) -> dict[str, Any]:
    return {"written": False, "reason": reason}
