"""How a model of texts is loaded and asked: records in, one value with its scores out."""

from collections.abc import Mapping
from typing import Any

from recipe.answers import to_predictions, to_table
from recipe.artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline
from recipe.columns import Columns
from recipe.requests import parse_request
from recipe.serving import Body, Serving
from recipe.signature import parse_signature

from .predictor import Predictor


def load(files: Mapping[str, bytes]) -> Predictor:
    """Return the model in the files; raise `ModelRefusedError` when it is not safe."""
    return Predictor(
        pipeline=load_pipeline(files[MODEL_FILE]), signature=parse_signature(files[SIGNATURE_FILE])
    )


def parse(body: Body, content_type: str, model: Predictor) -> Columns:
    """Return the columns that are asked about."""
    return parse_request(body, content_type, model.signature.inputs)


def answer(model: Predictor, columns: Columns) -> list[dict[str, Any]]:
    """Return one prediction per row."""
    return to_predictions(model.signature, model.predict(columns))


SERVING = Serving(
    files=(MODEL_FILE,),
    load=load,
    parse=parse,
    answer=answer,
    tabulate=lambda model, predictions: to_table(model.signature, predictions),
)
