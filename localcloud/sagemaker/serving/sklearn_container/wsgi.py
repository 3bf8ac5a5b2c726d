"""The web application gunicorn serves: /ping, /invocations and the user's five functions.

The model is loaded on a worker's first request, /ping included, as in the image. Every exception of
the user's code, an unknown content type among them, is flask's HTML page with status 500.
"""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import flask
import numpy as np

from . import codec, user_code

_ANY = "*/*"


class UserError(Exception):
    """The script defines functions that exclude each other."""


def default_model_fn(model_dir: str) -> Any:
    """Refuse: there is no default way to load a model."""
    raise NotImplementedError(
        "Please provide a model_fn implementation.\n"
        "See documentation for model_fn at https://github.com/aws/sagemaker-python-sdk"
    )


def default_input_fn(body: Any, content_type: str) -> Any:
    """Decode JSON, CSV or NPY; text becomes float32."""
    array = codec.decode(body, content_type)
    return array.astype(np.float32) if content_type in codec.TEXT_TYPES else array


def default_predict_fn(data: Any, model: Any) -> Any:
    """Call the model."""
    return model.predict(data)


def default_output_fn(prediction: Any, accept: str) -> flask.Response:
    """Encode as the caller accepts."""
    return flask.Response(codec.encode(prediction, accept), mimetype=accept)


def transform_function(module: ModuleType) -> Callable[[Any, Any, str, str], Any]:
    """Return the user's transform_fn, or input_fn, predict_fn and output_fn as one."""
    names = ("input_fn", "predict_fn", "output_fn")
    if hasattr(module, "transform_fn"):
        if any(hasattr(module, name) for name in names):
            raise UserError(
                "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
            )
        return module.transform_fn  # type: ignore[no-any-return]
    input_fn = getattr(module, "input_fn", default_input_fn)
    predict_fn = getattr(module, "predict_fn", default_predict_fn)
    output_fn = getattr(module, "output_fn", default_output_fn)

    def _transform(model: Any, body: Any, content_type: str, accept: str) -> Any:
        return output_fn(predict_fn(input_fn(body, content_type), model), accept)

    return _transform


def create_app() -> flask.Flask:
    """Load the model and return the application."""
    environment = user_code.ServingEnvironment.from_env()
    module = user_code.import_user_module(environment)
    transform = transform_function(module)
    model = getattr(module, "model_fn", default_model_fn)(str(environment.model_dir))
    app = flask.Flask(environment.module_name)

    def _ping() -> flask.Response:
        return flask.Response(status=200, mimetype=codec.JSON)

    def _invocations() -> Any:
        request = flask.request
        content_type = request.headers.get("Content-Type") or codec.JSON
        accept = request.headers.get("Accept")
        accept = environment.default_accept if not accept or accept == _ANY else accept
        body = request.get_data(as_text=content_type in codec.TEXT_TYPES)
        result = transform(model, body, content_type, accept)
        # A tuple is (body, content type), not flask's (body, status).
        return flask.Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    app.add_url_rule("/ping", endpoint="ping", view_func=_ping)
    app.add_url_rule("/invocations", endpoint="invocations", view_func=_invocations, methods=["POST"])
    if hasattr(module, "execution_parameters_fn"):
        app.add_url_rule("/execution-parameters", view_func=module.execution_parameters_fn, methods=["GET"])
    return app


_app: flask.Flask | None = None


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request, after loading the model when it is the first."""
    global _app  # noqa: PLW0603 - one application per worker process
    if _app is None:
        _app = create_app()
    answer: Iterable[bytes] = _app(environ, start_response)
    return answer
