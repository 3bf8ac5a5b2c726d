"""A tabular model as ONNX: `numbers` and `texts` in the order of the model's matrix in, scores or values out.

Dates come as their calendar numbers. A missing number is NaN, a missing text the empty one. The file's metadata names the
columns of both inputs and the classes in the order of the scores.
"""

import json
from typing import Any

import numpy as np
from recipe.columns import Columns
from recipe.features import matrix_columns, number_count, to_matrix
from recipe.labels import label_text
from recipe.metrics import Floats
from recipe.onnx_export import OnnxForm

from .predictor import Predictor


def convert(model: Predictor) -> bytes:
    """Return the bytes of the ONNX file. Its numbers have 32 bits: trees of 64 bits have no output that runtimes take."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    fields = model.signature.fields
    names, first_text = matrix_columns(fields), number_count(fields)
    parts = (("numbers", FloatTensorType, first_text), ("texts", StringTensorType, len(names) - first_text))
    inputs = [(name, kind([None, width])) for name, kind, width in parts if width]
    options = {"zipmap": False} if model.signature.classes is not None else None
    # Named, or it gets a random name, and equal jobs differ.
    made = convert_sklearn(model.pipeline, "model", initial_types=inputs, options=options)
    # The converter keeps them in a set of texts, whose order is another in every process.
    made.opset_import.sort(key=lambda one: one.domain)
    described = {"numbers": names[:first_text], "texts": names[first_text:], "classes": _classes(model)}
    for key, value in described.items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, json.dumps(value)
    content: bytes = made.SerializeToString(deterministic=True)
    return content


def feed(model: Predictor, columns: Columns) -> dict[str, Any]:
    """Return the inputs of the file."""
    fields = model.signature.fields
    matrix, first_text = to_matrix(columns, fields), number_count(fields)
    texts = np.where(matrix[:, first_text:] != matrix[:, first_text:], "", matrix[:, first_text:])
    parts = {"numbers": matrix[:, :first_text].astype(np.float32), "texts": texts}
    return {name: part for name, part in parts.items() if part.shape[1]}


def answer(model: Predictor, columns: Columns) -> Floats:
    """Return what the file's last output must be: scores in the order of the pipeline's classes, or values."""
    matrix = to_matrix(columns, model.signature.fields)
    if model.signature.classes is None:
        return np.asarray(model.pipeline.predict(matrix), dtype=np.float64)
    return np.asarray(model.pipeline.predict_proba(matrix), dtype=np.float64)


def _classes(model: Predictor) -> list[str]:
    if model.signature.classes is None:
        return []
    return [label_text(model.signature.classes[code]) for code in model.pipeline.classes_.astype(np.int64)]


ONNX = OnnxForm(convert=convert, feed=feed, answer=answer)
