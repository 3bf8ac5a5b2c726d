"""The edge of the REST APIs: who may pass, what is refused and in which shape."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from chalice.app import Chalice
from chalice.test import Client, HTTPResponse

from shared.auth import Tokens, hash_token, new_token
from shared.errors import Conflict, InvalidRequest, Unavailable
from shared.http.api import Api
from shared.http.authorizer import register_authorizer
from shared.http.idempotency import Replies
from shared.http.middleware import ORIGIN_HEADER, guard
from shared.http.openapi import openapi
from shared.http.problem import MEDIA_TYPE
from shared.http.request import Caller, Request, authorise, public_path
from tests.fakes import FakeClock, FakeTable

TOKEN = new_token()
READER = new_token()
REVOKED = new_token()
EXPIRED = new_token()
LASTING = new_token()


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """A body."""

    quantity: int


def make_tokens() -> Tokens:
    table = FakeTable("tokens", "token_sha256")
    rows: list[tuple[str, dict[str, Any]]] = [
        (TOKEN, {"token_id": "t-1", "scopes": ["read", "operate"]}),
        (READER, {"token_id": "t-2", "scopes": ["read"], "pipelines": ["flights"]}),
        (REVOKED, {"token_id": "t-3", "scopes": ["read"], "revoked": True}),
        (EXPIRED, {"token_id": "t-4", "scopes": ["read"], "expires_at": "2026-01-01T00:00:00Z"}),
        (LASTING, {"token_id": "t-5", "scopes": ["read"], "expires_at": "2026-01-01T00:00:01Z"}),
    ]
    for token, row in rows:
        table.put({"token_sha256": hash_token(token), **row})
    return Tokens(table, FakeClock())


def make_api() -> tuple[Chalice, Api]:
    app = Chalice(app_name="shop")
    tokens = make_tokens()
    log = logging.getLogger("test.http")
    replies = Replies(FakeTable("idempotency", "id"), FakeClock(), log)
    api = Api(app, register_authorizer(app, lambda: tokens), log, lambda: replies)
    guard(app, lambda: ("secret", "older"))

    @api.route("GET", "/v1/things/{pipeline}", scope="read")
    def show(request: Request, pipeline: str) -> dict[str, str]:
        """Show a thing."""
        failures: dict[str, Exception] = {
            "conflict": Conflict("it is taken"),
            "away": Unavailable("table x throttles"),
            "crash": RuntimeError("secret /tmp/path"),
            "bad": InvalidRequest("no"),
        }
        if pipeline in failures:
            raise failures[pipeline]
        return {"pipeline": pipeline, "caller": request.caller.token_id}

    orders: list[Order] = []

    @api.route("POST", "/v1/orders", scope="operate", body=Order, response=Order, status=201, idempotent=True)
    def order(request: Request) -> Order:
        """Order something; each order is one more."""
        body: Order = request.body
        orders.append(body)
        return Order(quantity=body.quantity + len(orders) - 1)

    return app, api


@pytest.fixture
def http() -> Iterator[Any]:
    """A caller of the app: ``http(method, path, token=…, body=…, secret=…)``."""
    app, _ = make_api()
    logging.getLogger("test.http").disabled = True
    with Client(app, stage_name="local") as client:

        def call(
            method: str,
            path: str,
            *,
            token: str = TOKEN,
            body: bytes = b"",
            secret: str = "secret",
            **headers: str,
        ) -> HTTPResponse:
            headers |= {ORIGIN_HEADER: secret, "Authorization": f"Bearer {token}"}
            return client.http.request(method, path, headers=headers, body=body)

        yield call


def problem(response: HTTPResponse) -> dict[str, Any]:
    """Return the problem of an error answer after checking that it is one."""
    assert response.headers["Content-Type"] == MEDIA_TYPE
    body: dict[str, Any] = json.loads(response.body)
    assert set(body) >= {"type", "title", "status", "detail", "instance", "request_id"}
    assert body["status"] == response.status_code
    return body


def test_a_known_token_with_the_scope_is_served_and_the_answer_has_an_id(http: Any) -> None:
    response = http("GET", "/v1/things/flights")
    assert (response.status_code, json.loads(response.body)["pipeline"]) == (200, "flights")
    assert response.headers["X-Request-Id"]


def test_a_request_that_did_not_come_through_the_edge_is_refused(http: Any) -> None:
    assert problem(http("GET", "/v1/things/flights", secret="guess"))["title"] == "Forbidden"
    assert http("GET", "/v1/things/flights", secret="older").status_code == 200


@pytest.mark.parametrize(("name", "status"), [("conflict", 409), ("away", 503), ("crash", 500), ("bad", 400)])
def test_every_failure_has_one_shape_and_no_exception_text(http: Any, name: str, status: int) -> None:
    response = http("GET", f"/v1/things/{name}")
    body = problem(response)
    assert body["status"] == status
    assert "/tmp" not in body["detail"]
    assert "throttles" not in body["detail"]
    assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [(b'{"quantity": "x"}', "/quantity"), (b'{"quantity": 1, "quantty": 2}', ""), (b"{", ""), (b"", "")],
)
def test_a_wrong_body_is_422_and_names_the_field(http: Any, body: bytes, pointer: str) -> None:
    answer = problem(http("POST", "/v1/orders", body=body, **{"Content-Type": "application/json"}))
    assert answer["status"] == 422
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


def test_a_good_body_is_answered_with_the_documented_status(http: Any) -> None:
    response = http("POST", "/v1/orders", body=b'{"quantity": 3}', **{"Content-Type": "application/json"})
    assert (response.status_code, json.loads(response.body)) == (201, {"quantity": 3})


def test_an_order_with_a_key_is_made_once_and_a_changed_one_is_refused(http: Any) -> None:
    def send(body: bytes) -> HTTPResponse:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "o-1"}
        answer: HTTPResponse = http("POST", "/v1/orders", body=body, **headers)
        return answer

    first, again = send(b'{"quantity": 3}'), send(b'{"quantity": 3}')
    assert (first.status_code, json.loads(first.body)) == (201, {"quantity": 3})
    assert (again.status_code, again.body) == (201, first.body)
    assert again.headers["X-Request-Id"]
    assert problem(send(b'{"quantity": 4}'))["status"] == 422


def test_a_body_over_the_limit_is_413_and_another_type_415(http: Any) -> None:
    big = b'{"quantity": ' + b"1" * (3 * 1024 * 1024) + b"}"
    assert (
        problem(http("POST", "/v1/orders", body=big, **{"Content-Type": "application/json"}))["status"] == 413
    )
    assert problem(http("POST", "/v1/orders", body=b"x", **{"Content-Type": "text/plain"}))["status"] == 415


def test_a_token_reaches_only_its_scopes_and_pipelines() -> None:
    reader = Caller(token_id="t-2", scopes=frozenset({"read"}), pipelines=frozenset({"flights"}))
    authorise(reader, "read", "flights")
    with pytest.raises(Exception, match="lacks the scope 'operate'"):
        authorise(reader, "operate", "flights")
    with pytest.raises(Exception, match="no pipeline 'payroll'"):
        authorise(reader, "read", "payroll")


HEADERS = {
    "none": "",
    "no token": "Bearer",
    "another scheme": f"bearer {TOKEN}",
    "more behind it": f"Bearer {TOKEN} ",
    "unknown": "Bearer hr_" + "a" * 43,
    "revoked": f"Bearer {REVOKED}",
    "expired this second": f"Bearer {EXPIRED}",
}


@pytest.mark.parametrize("header", list(HEADERS.values()), ids=list(HEADERS))
def test_a_malformed_unknown_revoked_or_expired_token_is_nobody(header: str) -> None:
    assert make_tokens().find(header) is None


def test_a_token_works_until_the_second_it_expires() -> None:
    found = make_tokens().find(f"Bearer {LASTING}")
    assert found
    assert found.token_id == "t-5"


def test_a_token_is_known_by_its_hash_alone() -> None:
    found = make_tokens().find(f"Bearer {READER}")
    assert found
    assert (found.token_id, found.pipelines) == ("t-2", ("flights",))
    assert new_token() != new_token()


def test_the_openapi_document_has_every_route_with_its_models_and_security() -> None:
    document = openapi(make_api()[1].operations, version="1")
    order = document["paths"]["/v1/orders"]["post"]
    assert order["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Order"
    }
    assert order["security"] == [{"token": []}]
    assert set(order["responses"]) >= {"201", "401", "403", "422", "default"}
    assert document["paths"]["/v1/things/{pipeline}"]["get"]["parameters"][0]["name"] == "pipeline"


@pytest.mark.parametrize(
    ("context", "path"),
    [
        ({"path": "/api/v1/models/flights", "stage": "api"}, "/v1/models/flights"),
        ({"path": "/v1/models/api/v1"}, "/v1/models/api/v1"),
        ({}, "/v1/x"),
    ],
)
def test_a_problem_names_the_path_the_caller_wrote(context: dict[str, str], path: str) -> None:
    assert public_path(context, "/v1/x") == path
