"""How a model is loaded and asked that answers each row by itself: records in, one value with its scores out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .answers import to_predictions, to_table
from .artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline
from .columns import Columns
from .metrics import Floats
from .requests import parse_request
from .serving import Body, Serving
from .signature import Signature, parse_signature


class RowModel(Protocol):
    """A pipeline with its signature."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""
        ...

    def predict(self, columns: Columns) -> Floats:
        """Return scores of shape (rows, classes), or values of shape (rows,)."""
        ...


def serve_rows(kind: Callable[..., RowModel]) -> Serving:
    """Return how models are served that *kind* makes of a `pipeline` and a `signature`."""

    def load(files: Mapping[str, bytes]) -> RowModel:
        """Return the model in the files; raise `ModelRefusedError` when it is not safe."""
        signature = parse_signature(files[SIGNATURE_FILE])
        return kind(pipeline=load_pipeline(files[MODEL_FILE]), signature=signature)

    return Serving(files=(MODEL_FILE,), load=load, parse=parse, answer=answer, tabulate=tabulate)


def parse(body: Body, content_type: str, model: RowModel) -> Columns:
    """Return the columns that are asked about."""
    return parse_request(body, content_type, model.signature.inputs)


def answer(model: RowModel, columns: Columns) -> list[dict[str, Any]]:
    """Return one prediction per row."""
    return to_predictions(model.signature, model.predict(columns))


def tabulate(model: RowModel, predictions: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return the predictions as rows of a CSV, the header first."""
    return to_table(model.signature, predictions)
