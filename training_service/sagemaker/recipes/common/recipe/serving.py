"""The endpoint's two functions, with true HTTP statuses where the image's defaults answer 500 and HTML."""

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response

from .artifact import SIGNATURE_FILE
from .failure import ModelRefusedError
from .requests import CSV, JSON, RequestError

type Body = bytes | str
type ModelFn = Callable[[str | os.PathLike[str]], Any]
type TransformFn = Callable[[Any, Body, str, str], Response]


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How a family's models are loaded and asked.

    Attributes
    ----------
    files
        The model's files beside `signature.json`; all must be there.
    optional
        Files that only some models have.
    load
        From those files' bytes by name to a model; raises `ModelRefusedError`. It must not run anything in them.
    parse
        (body, content type, model): what is asked, or `RequestError` with a sentence for the caller.
    answer
        (model, asked): one prediction per record, ready for JSON.
    tabulate
        (model, predictions): the same as rows of a CSV, the header first.
    """

    files: tuple[str, ...]
    optional: tuple[str, ...] = ()
    load: Callable[[Mapping[str, bytes]], Any]
    parse: Callable[[Body, str, Any], Any]
    answer: Callable[[Any, Any], Sequence[dict[str, Any]]]
    tabulate: Callable[[Any, Sequence[dict[str, Any]]], list[list[Any]]]

    @property
    def all_files(self) -> tuple[str, ...]:
        """What an endpoint loads, where it is there."""
        return (SIGNATURE_FILE, *self.files, *self.optional)

    def paths_in(self, folder: Path) -> list[Path]:
        """Return those of the files that a model's folder has."""
        return [folder / name for name in self.all_files if (folder / name).is_file()]


def load_model(serving: Serving, files: Mapping[str, bytes], whose: str = "model") -> Any:
    """Return the model in the files; raise `ModelRefusedError` when it is not whole or not safe."""
    for name in (SIGNATURE_FILE, *serving.files):
        if name not in files:
            raise ModelRefusedError(f"The {whose}'s archive has no {name}.")
    return serving.load(files)


def load_folder(serving: Serving, folder: Path) -> Any:
    """Return the model in a folder, as the endpoint has it."""
    return load_model(serving, {path.name: path.read_bytes() for path in serving.paths_in(folder)})


def endpoint_functions(serving: Serving) -> tuple[ModelFn, TransformFn]:
    """Return `model_fn` and `transform_fn` of the image's contract."""

    def model_fn(model_dir: str | os.PathLike[str]) -> Any:
        """Load the model the endpoint serves."""
        return load_folder(serving, Path(model_dir))

    def transform_fn(model: Any, body: Body, content_type: str, accept: str) -> Response:
        """Answer one request: 200 with predictions, or 400, 406, 415 with a sentence in `error`."""
        try:
            wanted = _choose(accept)
            asked = serving.parse(body, content_type, model)
        except RequestError as error:
            return Response(json.dumps({"error": str(error)}), status=error.status, mimetype=JSON)
        predictions = serving.answer(model, asked)
        text = _to_csv(serving.tabulate(model, predictions)) if wanted == CSV else _to_json(predictions)
        return Response(text, status=200, mimetype=wanted)

    return model_fn, transform_fn


def _choose(accept: str) -> str:
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or JSON).split(",")]
    for kind in kinds:
        # In the caller's order; weights (q=) are not read, as our own client sends none.
        if kind in (JSON, "*/*", "application/*"):
            return JSON
        if kind in (CSV, "text/*"):
            return CSV
    raise RequestError(406, f"The answer cannot be '{accept[:80]}'; accept {JSON} or {CSV}.")


def _to_json(predictions: Sequence[dict[str, Any]]) -> str:
    # NaN is no JSON: better a loud 500 than an answer that strict parsers refuse.
    return json.dumps({"predictions": predictions}, allow_nan=False)


def _to_csv(rows: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
