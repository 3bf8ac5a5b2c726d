"""Every route but health needs a token, and the edge cannot be walked around."""

import pytest

from docs.generate import SERVICES, load_app
from tests.stage import Stage


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_but_health_has_the_authorizer(service: str) -> None:
    app = load_app(service).app
    open_routes = [
        f"{method} {path}"
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if entry.authorizer is None
    ]
    assert open_routes == (["GET /v1/health"] if service == "inference" else [])


@pytest.mark.parametrize("service", SERVICES)
def test_every_scoped_route_is_registered_through_the_api(service: str) -> None:
    module = load_app(service)
    documented = {(operation.method, operation.path) for operation in module.api.operations}
    served = {(method, path) for path, methods in module.app.routes.items() for method in methods}
    assert served == documented


def test_a_request_that_walks_around_the_edge_is_refused(stage: Stage) -> None:
    apis = {api["name"]: api["id"] for api in stage.aws("apigateway").get_rest_apis()["items"]}
    assert len(apis) == 3
    for api in apis.values():
        path = f"/restapis/{api}/api/_user_request_/v1/health"
        status, _, _ = stage.request("GET", path)
        assert status in {403, 404}


@pytest.mark.parametrize("service", SERVICES)
def test_every_request_that_creates_something_honours_an_idempotency_key(service: str) -> None:
    operations = load_app(service).api.operations
    creating = [one for one in operations if one.method == "POST" and one.status in {201, 202}]
    assert creating
    assert [one.path for one in creating if not one.idempotent] == []
