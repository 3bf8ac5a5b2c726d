"""The endpoint's two functions, with true HTTP statuses where the image's defaults answer 500 and HTML."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

from flask import Response

from .labels import label_text
from .predictor import Floats, Predictor, load_predictor
from .requests import CSV, JSON, RequestError, parse_request
from .signature import Signature


def model_fn(model_dir: str | os.PathLike[str]) -> Predictor:
    """Load the model the endpoint serves."""
    return load_predictor(Path(model_dir))


def transform_fn(model: Predictor, body: bytes | str, content_type: str, accept: str) -> Response:
    """Answer one request: 200 with predictions, or 400, 406, 415 with a sentence in `error`."""
    try:
        wanted = _choose(accept)
        columns = parse_request(body, content_type, model.signature.inputs)
    except RequestError as error:
        return Response(json.dumps({"error": str(error)}), status=error.status, mimetype=JSON)
    answers = model.predict(columns)
    text = _to_csv(model.signature, answers) if wanted == CSV else _to_json(model.signature, answers)
    return Response(text, status=200, mimetype=wanted)


def _choose(accept: str) -> str:
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or JSON).split(",")]
    for kind in kinds:
        # In the caller's order; weights (q=) are not read, as our own client sends none.
        if kind in (JSON, "*/*", "application/*"):
            return JSON
        if kind in (CSV, "text/*"):
            return CSV
    raise RequestError(406, f"The answer cannot be '{accept[:80]}'; accept {JSON} or {CSV}.")


def _to_json(signature: Signature, answers: Floats) -> str:
    # NaN is no JSON: better a loud 500 than an answer that strict parsers refuse.
    return json.dumps({"predictions": to_predictions(signature, answers)}, allow_nan=False)


def to_predictions(signature: Signature, answers: Floats) -> list[dict[str, Any]]:
    """Return one dict per row: the value in the type of the data, and for classes their scores."""
    if signature.classes is None:
        return [{"value": value} for value in answers.tolist()]
    names = [label_text(label) for label in signature.classes]
    best = answers.argmax(axis=1).tolist()
    return [
        {"value": signature.classes[place], "scores": dict(zip(names, row, strict=True))}
        for place, row in zip(best, answers.tolist(), strict=True)
    ]


def _to_csv(signature: Signature, answers: Floats) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    names = [label_text(label) for label in signature.classes or ()]
    writer.writerow(["value", *(f"score_{name}" for name in names)])
    for answer in to_predictions(signature, answers):
        value = label_text(answer["value"]) if names else answer["value"]
        writer.writerow([value, *answer.get("scores", {}).values()])
    return out.getvalue()
