"""Calls of the app as API Gateway makes them, with the claims that the authorizer would have put there."""

import json
from typing import Any

from chalice.app import Chalice
from chalicelib.inference.workflow import requests, rollout

from shared.events import ModelVersionApproved
from tests.unit.inference.fakes import Stage

SECRET = "from-the-edge"
ENVIRONMENT = {
    name: name.lower().replace("_", "-")
    for name in (
        "IDEMPOTENCY_TABLE",
        "ORIGIN_SECRET_ARN",
        "BATCH_ROLE_ARN",
        "TOKENS_TABLE",
        "PIPELINES_TABLE",
        "DATA_BUCKET",
        "INPUT_HASH_SECRET_ARN",
        "MODELS_BUCKET",
        "MODELS_TABLE",
        "RELEASES_TABLE",
        "PREDICTIONS_TABLE",
        "SAGEMAKER_ROLE_ARN",
        "SIGNING_KEY_ARN",
    )
} | {"STAGE": "test"}


class Answer:
    """Status, headers and parsed body of one answer."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.status: int = response["statusCode"]
        many = {name: values[-1] for name, values in response.get("multiValueHeaders", {}).items()}
        self.headers = {name.lower(): value for name, value in (many | response["headers"]).items()}
        self.text: str = response["body"]

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class Rest:
    """One caller of the API; change ``scopes`` and ``pipelines`` to be another."""

    def __init__(self, app: Chalice, stage: Stage) -> None:
        self.app = app
        self.stage = stage
        self.predictions = stage.predictions
        self.scopes = "read upload predict operate"
        self.pipelines = "*"
        self.secret = SECRET
        self.requests = 0

    def get(self, path: str, resource: str, **parameters: str) -> Answer:
        return self.call("GET", path, resource, parameters)

    def predict(self, body: str, kind: str = "application/json", accept: str = "*/*", **query: str) -> Answer:
        resource = "/v1/predictions/{pipeline}"
        parameters = {"pipeline": query.pop("pipeline", "flights")}
        encoding = query.pop("encoding", "")
        return self.call("POST", resource, resource, parameters, body, kind, accept, query, encoding)

    def operate(self, action: str, body: object = None, pipeline: str = "flights") -> Answer:
        resource = "/v1/endpoints/{pipeline}/" + action
        text = "" if body is None else json.dumps(body)
        return self.call("POST", resource, resource, {"pipeline": pipeline}, text)

    def call(
        self,
        method: str,
        path: str,
        resource: str,
        parameters: dict[str, str],
        body: str = "",
        kind: str = "application/json",
        accept: str = "*/*",
        query: dict[str, str] | None = None,
        encoding: str = "",
        key: str = "",
    ) -> Answer:
        self.requests += 1
        headers = {"content-type": kind, "accept": accept, "x-headrace-origin": self.secret}
        headers |= {"content-encoding": encoding} if encoding else {}
        headers |= {"idempotency-key": key} if key else {}
        event = {
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "multiValueQueryStringParameters": {n: [v] for n, v in (query or {}).items()} or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "body": body or None,
            "isBase64Encoded": False,
            "requestContext": {
                "httpMethod": method,
                "resourcePath": resource,
                "path": path.format(**parameters) if "{" in path else path,
                "requestId": f"request-{self.requests}",
                "authorizer": {
                    "principalId": "token-1",
                    "scopes": self.scopes,
                    "pipelines": self.pipelines,
                },
            },
        }
        return Answer(self.app(event, None))


def release(rest: Rest, version: str, champion: str | None = None) -> None:
    """Bring a model version live."""
    stage = rest.stage
    stage.add_model(version, champion)
    requests.on_model_approved(
        stage.adapters, ModelVersionApproved(pipeline="flights", version=version, job_id="j")
    )
    stage.endpoints.finish()
    rollout.advance(stage.adapters, "flights")
    stage.runtime.asked.clear()


def records(*rows: object) -> str:
    return json.dumps({"records": rows})
