"""The service's routes as API Gateway calls them."""

import importlib.util
import json
from pathlib import Path

import pytest
from chalice.test import Client
from chalicelib.ingest import wiring

from tests.unit.ingest.world import World

SERVICE = Path(__file__).resolve().parents[3] / "ingest_service"
ENV = {
    "STAGE": "local",
    "IDEMPOTENCY_TABLE": "idempotency",
    "ORIGIN_SECRET_ARN": "arn:origin",
    "TOKENS_TABLE": "tokens",
    "PIPELINES_TABLE": "pipelines",
    "DATASETS_TABLE": "datasets",
    "INCOMING_BUCKET": "incoming",
    "DATA_BUCKET": "data",
    "INGEST_JOB_ROLE_ARN": "arn:role",
    "INGEST_CODE_URI": "s3://models/code/0123/ingest.zip",
    "TRAINING_IMAGE_URI": "image",
}


class Token:
    """A token with all that users may have."""

    token_id = "t"
    scopes = ("read", "upload", "operate")
    pipelines = ("*",)


class Rest:
    """Calls the routes as API Gateway would, with a token and the origin secret."""

    def __init__(self, app, world, token):
        self.app, self.world, self.token = app, world, token

    def __call__(self, method, path, body=None, **headers):
        sent = {
            "x-headrace-origin": "secret",
            "Authorization": "Bearer x",
            "Content-Type": "application/json",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else json.dumps(body).encode()
        with Client(self.app.app) as client:
            answer = client.http.request(method, path, headers=sent, body=data)
        return answer.status_code, json.loads(answer.body) if answer.body else None, answer.headers


def make_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> Rest:
    """Return the routes of the app as it is served, on the adapters of *world*."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    wiring.settings.cache_clear()
    token = Token()
    finder = type("T", (), {"find": lambda self, header: token})()
    # Before the import: the app's authorizer asks for the tokens when it is made.
    monkeypatch.setattr(wiring, "tokens", lambda: finder)
    spec = importlib.util.spec_from_file_location("ingest_app", SERVICE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    made = Rest(app, world, token)
    monkeypatch.setattr(wiring, "adapters", world.adapters)
    monkeypatch.setattr(wiring, "origin_secret", type("S", (), {"values": lambda self: ("secret",)}))
    return made
