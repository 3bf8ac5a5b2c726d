"""How a model of pictures is loaded and asked: `{"image": <base64>}` in, a class with its scores out."""

import json
from collections.abc import Mapping
from typing import Any

from recipe.answers import to_predictions
from recipe.artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline
from recipe.failure import ModelRefusedError
from recipe.requests import RequestError, parse_request
from recipe.row_serving import tabulate
from recipe.serving import Body, Serving
from recipe.signature import parse_signature

from .features import VERSION, Features
from .pictures import Shape
from .predictor import Predictor, see

PICTURE_FILE = "picture.json"
# What an endpoint of one CPU takes apart in a few seconds.
MAX_REQUEST_PIXELS = 16_000_000


def load(files: Mapping[str, bytes]) -> Predictor:
    """Return the model in the files; raise `ModelRefusedError` when it is not safe, or of other features."""
    try:
        document = json.loads(files[PICTURE_FILE])
        shape = Shape(size=int(document["size"]), channels=int(document["channels"]))
        version = int(document["features"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(f"{PICTURE_FILE} cannot be read: {error!r}") from error
    if version != VERSION:
        raise ModelRefusedError(f"The model sees pictures by features {version}; this recipe has {VERSION}.")
    return Predictor(
        pipeline=load_pipeline(files[MODEL_FILE]),
        signature=parse_signature(files[SIGNATURE_FILE]),
        shape=shape,
    )


def parse(body: Body, content_type: str, model: Predictor) -> Features:
    """Return the features of the pictures that are asked about."""
    columns = parse_request(body, content_type, model.signature.inputs)
    return see(columns[model.column], model.shape, lambda text: RequestError(400, text), MAX_REQUEST_PIXELS)


def answer(model: Predictor, features: Features) -> list[dict[str, Any]]:
    """Return one prediction per picture."""
    return to_predictions(model.signature, model.answer(features))


SERVING = Serving(
    files=(MODEL_FILE, PICTURE_FILE),
    load=load,
    parse=parse,
    answer=answer,
    tabulate=tabulate,
)
