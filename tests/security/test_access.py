"""Every route, every scope, and pipelines that a token may not touch: one row each, and no route without one."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from docs.generate import SERVICES, load_app
from shared.auth import SCOPES
from shared.http.answer import json_answer
from shared.http.api import Api, Operation

# What a token of other pipelines gets.
PATH = "404, for the pipeline in the path"
ROW = "404, for the pipeline of the row that the id names"
BODY = "404, for the pipeline in the body"
LIST = "a list without it"
ANY = "the same as every token: the route is of no pipeline"

MATRIX: dict[str, tuple[str | None, str]] = {
    "GET /v1/health": (None, ANY),
    "GET /v1/pipelines": ("read", LIST),
    "GET /v1/pipelines/{pipeline}": ("read", PATH),
    "PUT /v1/pipelines/{pipeline}": ("operate", PATH),
    "POST /v1/pipelines/{pipeline}/validate": ("read", PATH),
    "DELETE /v1/pipelines/{pipeline}": ("operate", PATH),
    "POST /v1/datasets/{pipeline}/uploads": ("upload", PATH),
    "POST /v1/datasets/{pipeline}/uploads/{upload_id}/parts": ("upload", PATH),
    "GET /v1/datasets/{pipeline}/uploads/{upload_id}": ("upload", PATH),
    "POST /v1/datasets/{pipeline}/uploads/{upload_id}/complete": ("upload", PATH),
    "DELETE /v1/datasets/{pipeline}/uploads/{upload_id}": ("upload", PATH),
    "GET /v1/datasets/{pipeline}": ("read", PATH),
    "GET /v1/datasets/{pipeline}/{version}": ("read", PATH),
    "GET /v1/datasets/{pipeline}/{version}/profile": ("read", PATH),
    "GET /v1/datasets/{pipeline}/{version}/profile/plots": ("read", PATH),
    "GET /v1/datasets/{pipeline}/diff": ("read", PATH),
    "GET /v1/datasets/{pipeline}/{version}/rejects": ("read", PATH),
    "POST /v1/training-jobs": ("operate", BODY),
    "GET /v1/training-jobs": ("read", LIST),
    "GET /v1/training-jobs/{job_id}": ("read", ROW),
    "GET /v1/training-jobs/{job_id}/log": ("read", ROW),
    "POST /v1/training-jobs/{job_id}/stop": ("operate", ROW),
    "POST /v1/recipes": ("operate", ANY),
    "GET /v1/models/{pipeline}": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}/evaluation": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}/plots/{name}": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}/card": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}/onnx": ("read", PATH),
    "GET /v1/models/{pipeline}/{version}/lineage": ("read", PATH),
    "POST /v1/models/{pipeline}/{version}/reproduce": ("operate", PATH),
    "GET /v1/models/{pipeline}/{version}/reproductions/{job_id}": ("read", PATH),
    "POST /v1/models/{pipeline}/{version}/approve": ("operate", PATH),
    "POST /v1/models/{pipeline}/{version}/reject": ("operate", PATH),
    "POST /v1/models/{pipeline}/{version}/judge": ("operate", PATH),
    "POST /v1/batch-predictions/{pipeline}": ("predict", PATH),
    "GET /v1/batch-predictions/{pipeline}": ("read", PATH),
    "GET /v1/batch-predictions/{pipeline}/{id}": ("read", PATH),
    "POST /v1/batch-predictions/{pipeline}/{id}/start": ("predict", PATH),
    "POST /v1/batch-predictions/{pipeline}/{id}/stop": ("predict", PATH),
    "GET /v1/endpoints": ("read", LIST),
    "GET /v1/endpoints/{pipeline}": ("read", PATH),
    "GET /v1/endpoints/{pipeline}/history": ("read", PATH),
    "POST /v1/endpoints/{pipeline}/promote": ("operate", PATH),
    "POST /v1/endpoints/{pipeline}/rollback": ("operate", PATH),
    "POST /v1/endpoints/{pipeline}/stop": ("operate", PATH),
    "POST /v1/predictions/{pipeline}": ("predict", PATH),
    "GET /v1/predictions/{pipeline}/{id}": ("read", PATH),
    "POST /v1/ground-truth/{pipeline}": ("predict", PATH),
    "GET /v1/endpoints/{pipeline}/metrics": ("read", PATH),
    "GET /v1/endpoints/{pipeline}/drift": ("read", PATH),
    "GET /v2": ("predict", ANY),
    "GET /v2/health/live": ("predict", ANY),
    "GET /v2/health/ready": ("predict", ANY),
    "GET /v2/models/{pipeline}": ("predict", PATH),
    "GET /v2/models/{pipeline}/versions/{version}": ("predict", PATH),
    "GET /v2/models/{pipeline}/ready": ("predict", PATH),
    "GET /v2/models/{pipeline}/versions/{version}/ready": ("predict", PATH),
    "POST /v2/models/{pipeline}/infer": ("predict", PATH),
    "POST /v2/models/{pipeline}/versions/{version}/infer": ("predict", PATH),
}


class Route:
    """A route of an app, called with a token's claims; its view is not reached, only asked for."""

    def __init__(self, app: Any, operation: Operation) -> None:
        self._app, self.operation = app, operation

    @property
    def name(self) -> str:
        return f"{self.operation.method} {self.operation.path}"

    def status(self, scopes: str, pipelines: str) -> int:
        """Return the status for such a token; what passes is answered 200, or 422 for its empty body."""
        claims = {"principalId": "tok_1", "scopes": scopes, "pipelines": pipelines}
        self._app.current_request = SimpleNamespace(
            context={"requestId": "r", "path": self.operation.path, "authorizer": claims},
            raw_body=b"{}",
            query_params={},
            headers={"content-type": "application/json"},
        )
        names = re.findall(r"{(\w+)}", self.operation.path)
        view = self._app.routes[self.operation.path][self.operation.method].view_function
        status: int = view(**dict.fromkeys(names, "flights")).status_code
        return status


@pytest.fixture(scope="module")
def routes() -> Iterator[dict[str, Route]]:
    """The routes of the three services, whose views are taken out."""

    def reach(api: Api, operation: Operation, view: Any, path: dict[str, str]) -> Any:
        api._request(operation, path)
        return json_answer({})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Api, "_answer", reach)
        found: dict[str, Route] = {}
        for service in SERVICES:
            module = load_app(service)
            made = [Route(module.app, operation) for operation in module.api.operations]
            found |= {route.name: route for route in made}
        yield found


def test_every_route_has_a_row_and_every_row_a_route(routes: dict[str, Route]) -> None:
    assert set(routes) == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
def test_a_route_opens_to_its_scope_alone(routes: dict[str, Route], name: str) -> None:
    scope, _ = MATRIX[name]
    statuses = {one: routes[name].status(one, "*") for one in SCOPES}
    closed = {one for one, status in statuses.items() if status == 403}
    assert closed == (set() if scope is None else set(SCOPES) - {scope}), statuses
    assert set(statuses.values()) <= {200, 403, 422}


@pytest.mark.parametrize("name", [name for name, (_, foreign) in MATRIX.items() if foreign == PATH])
def test_a_token_of_other_pipelines_does_not_learn_that_a_pipeline_exists(
    routes: dict[str, Route], name: str
) -> None:
    every = " ".join(SCOPES)
    assert routes[name].status(every, "weather lectures") == 404
    assert routes[name].status(every, "weather flights") in {200, 422}
    # The scope comes first: what may not be asked is not answered either.
    assert routes[name].status("", "weather") == 403


def test_only_what_no_pipeline_is_behind_is_open_to_every_token() -> None:
    anywhere = {name for name, (_, foreign) in MATRIX.items() if foreign != PATH}
    assert not {name for name in anywhere if "{pipeline}" in name}
    assert {name for name, (_, foreign) in MATRIX.items() if foreign == ANY} == {
        *("GET /v1/health", "POST /v1/recipes", "GET /v2", "GET /v2/health/live", "GET /v2/health/ready")
    }
