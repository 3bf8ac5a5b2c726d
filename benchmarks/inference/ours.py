"""The inference service's own app, as a Lambda sandbox has it."""

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

    def invoke(self, endpoint: str, records: bytes, row_count: int) -> Any:
        """Return as many answers as records, parsed as a real endpoint's are."""
        from chalicelib.inference.answers import parse_answers

        return parse_answers(self._bodies[row_count], row_count)


def handler(*, canned: bool) -> Any:
    """Return the app; *canned*: no endpoint is asked."""
    import msgspec

    module = ready()
    changes: dict[str, Any] = {"runtime": CannedRuntime()} if canned else {}
    module.wiring.predicting = msgspec.structs.replace(module.wiring.predicting, **changes)
    return module.app
