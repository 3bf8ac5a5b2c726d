"""Entry script of an endpoint: packed as `code/` in model.tar.gz, so that a model serves itself."""

import base64
import json
import sys
from pathlib import Path
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyarrow as pa
from data import TYPES, BadRequest
from flask import Response
from model import State, predict

JSON = "application/json"
Model: TypeAlias = tuple[State, dict[str, Any]]


def model_fn(model_dir: str) -> Model:
    """Load the model that the endpoint serves, once."""
    folder = Path(model_dir)
    state, signature = (json.loads((folder / name).read_bytes()) for name in ("model.json", "signature.json"))
    return state, signature


def transform_fn(model: Model, body: bytes | str, content_type: str, accept: str) -> Response:
    """Answer a request: 200 with a prediction per record, or 400 and 415 with a sentence in `error`."""
    state, signature = model
    if content_type.partition(";")[0].strip().lower() != JSON:
        return _refuse(415, f"send {JSON}, not {content_type!r}")
    schema = pa.schema([(taken["name"], TYPES[taken["type"]]) for taken in signature["inputs"]])
    files = [taken["name"] for taken in signature["inputs"] if taken["type"] == "binary"]
    try:
        records = [_decoded(record, files) for record in json.loads(body)["records"]]
        table = pa.Table.from_pylist(records, schema=schema)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, pa.ArrowException) as error:
        return _refuse(400, f"the body is not {{'records': [{{…}}]}} of the model's inputs: {error}")
    try:
        answers = _named(predict(state, table).tolist(), state["classes"])
    except BadRequest as error:
        return _refuse(400, str(error))
    return Response(json.dumps({"predictions": answers}, allow_nan=False), status=200, mimetype=JSON)


def _decoded(record: dict[str, Any], files: list[str]) -> dict[str, Any]:
    """Return the record with its files as bytes: JSON has them in base64."""
    sent = {
        name: base64.b64decode(record[name], validate=True) for name in files if record.get(name) is not None
    }
    return {**record, **sent}


def _named(answers: list[Any], classes: list[Any] | None) -> list[dict[str, Any]]:
    if classes is None:
        return [{"value": answer} for answer in answers]
    names = [c if isinstance(c, str) else json.dumps(c) for c in classes]
    return [
        {"value": classes[row.index(max(row))], "scores": dict(zip(names, row, strict=True))}
        for row in answers
    ]


def _refuse(status: int, why: str) -> Response:
    return Response(json.dumps({"error": why}), status=status, mimetype=JSON)
