"""The deployed app, loaded under its own name, with a stage in memory behind it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.inference.fakes import Stage
from tests.unit.inference.rest import ENVIRONMENT, SECRET, Rest, release

APP = Path(__file__).parents[3] / "inference_service" / "app.py"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The app's module, imported afresh with the environment that a deploy gives it."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("inference_app", APP)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "inference_app", loaded)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def rest(module: ModuleType) -> Rest:
    """The app's REST API over a stage in memory; its router's clock is ``rest.stage.monotonic``."""
    stage = Stage()
    rest = Rest(module.app, stage)
    releasing = stage.adapters
    module.wiring.releasing = releasing
    module.wiring.origin_secret = type("Secret", (), {"values": lambda _: (SECRET,)})()
    module.wiring.predicting = stage.predicting
    module.wiring.logging = stage.remembering
    module.wiring.batching = stage.batching
    module.wiring.monitoring = stage.wire_monitoring()
    return rest


@pytest.fixture
def live(rest: Rest) -> Rest:
    """v1 is live."""
    release(rest, "v1")
    return rest
