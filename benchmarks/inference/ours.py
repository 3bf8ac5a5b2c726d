"""The inference service's own app, as a Lambda sandbox has it."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.inference import traffic

SERVICE = Path(__file__).resolve().parents[2] / "inference_service"
ENVIRONMENT = {
    "STAGE": traffic.STAGE,
    "IDEMPOTENCY_TABLE": "idempotency",
    "ORIGIN_SECRET_ARN": "secret",
    "TOKENS_TABLE": "tokens",
    "PIPELINES_TABLE": "pipelines",
    "DATA_BUCKET": "data",
    "INPUT_HASH_SECRET_ARN": "secret",
    "MODELS_BUCKET": "models",
    "MODELS_TABLE": "models",
    "RELEASES_TABLE": "releases",
    "PREDICTIONS_TABLE": "predictions",
    "SAGEMAKER_ROLE_ARN": "role",
    "BATCH_ROLE_ARN": "role",
    "SIGNING_KEY_ARN": "key",
}


def load() -> ModuleType:
    """Return the app's module, imported as Lambda does at a cold start."""
    os.environ.update(ENVIRONMENT)
    sys.path.insert(0, str(SERVICE))
    spec = importlib.util.spec_from_file_location("app", SERVICE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ready() -> ModuleType:
    """Return the module with all that the first prediction needs made."""
    module = load()
    _ = (module.wiring.predicting, module.wiring.origin_secret)
    return module


class CannedRuntime:
    """An endpoint that answers at once, so that only the handler is measured."""

    def __init__(self) -> None:
        self._bodies = {rows: traffic.answers(rows) for rows in (1, 500)}

    def invoke(self, endpoint: str, records: bytes, row_count: int, *, within_s: float | None = None) -> Any:
        """Return as many answers as records, parsed as a real endpoint's are."""
        from chalicelib.inference.answers import parse_answers

        return parse_answers(self._bodies[row_count], row_count)


class ParsedRuntime(CannedRuntime):
    """The same, its answers parsed before: P7's peers have theirs ready too."""

    def __init__(self) -> None:
        super().__init__()
        self._parsed = {rows: super(ParsedRuntime, self).invoke("e", b"", rows) for rows in self._bodies}

    def invoke(self, endpoint: str, records: bytes, row_count: int, *, within_s: float | None = None) -> Any:
        """Return as many answers as records."""
        return self._parsed[row_count]


def like_the_peers() -> Any:
    """Return the app doing what P7's peers do: parse, check, route, answer; no endpoint, record or metrics."""
    app = _app(runtime=ParsedRuntime)
    answering, predicting = _workflow("answering"), _workflow("predicting")
    measure, record = answering.measure, predicting.record

    def handle(event: dict[str, Any], context: Any) -> Any:
        answering.measure = predicting.record = lambda *_, **__: None
        try:
            return app(event, context)
        finally:
            answering.measure, predicting.record = measure, record

    return handle


def whole() -> Any:
    """Return the app as it is but for its endpoint: answers are parsed, recorded in one line, counted in another."""
    return _app(runtime=CannedRuntime)


def asking() -> Any:
    """Return the app as it is; it asks an endpoint."""
    return _app()


def _workflow(name: str) -> Any:
    return importlib.import_module(f"chalicelib.inference.workflow.{name}")


def _app(**adapters: type) -> Any:
    import msgspec

    module = ready()
    # Made from classes, since the service's own packages are on the path only now.
    made = {name: make() for name, make in adapters.items()}
    module.wiring.predicting = msgspec.structs.replace(module.wiring.predicting, **made)
    return module.app
