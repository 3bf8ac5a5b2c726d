"""What `serve` serves: `/ping` and `/invocations`, by the `model_fn` and `transform_fn` that came with the model.

A worker loads the model when it starts, not on its first request: a model that cannot be loaded never looks healthy.
"""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

TEXT = ("application/json", "text/csv")
Transform = Callable[[Any, bytes | str, str, str], Any]


def create_app() -> Flask:
    """Load the model and return the application."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    module = import_script(base)
    model, transform = module.model_fn(str(base / "model")), module.transform_fn
    app = Flask("sagemaker_entry")

    def ping() -> Response:
        """Say that the model is loaded: nothing answers before it is."""
        return Response(status=200, mimetype="application/json")

    def invocations() -> Any:
        """Answer a request in the words of the script."""
        return answer(model, transform)

    app.add_url_rule("/ping", view_func=ping)
    app.add_url_rule("/invocations", view_func=invocations, methods=["POST"])
    return app


def import_script(base: Path) -> Any:
    """Return the script that `SAGEMAKER_PROGRAM` names, from the folder that `SAGEMAKER_SUBMIT_DIRECTORY` names."""
    program = os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
    folder = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code")
    sys.path.insert(0, folder.replace("/opt/ml", str(base), 1))
    return importlib.import_module(program.removesuffix(".py"))


def answer(model: Any, transform: Transform) -> Any:
    """Give the script the body (text as text) and return what it makes of it; a tuple is (body, content type)."""
    kind = request.headers.get("Content-Type") or "application/json"
    accept = request.headers.get("Accept") or "*/*"
    body = request.get_data(as_text=kind.partition(";")[0].strip().lower() in TEXT)
    made = transform(model, body, kind, accept)
    return Response(made[0], mimetype=made[1]) if isinstance(made, tuple) else made
