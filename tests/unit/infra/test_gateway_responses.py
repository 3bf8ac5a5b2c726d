import json

from infra.gateway_responses import digest, gateway_responses
from shared.http.problem import MEDIA_TYPE

BY_TYPE = {response["responseType"]: response for response in gateway_responses()}


def test_every_answer_of_the_gateway_is_a_problem_of_its_own_status() -> None:
    for response in BY_TYPE.values():
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert str(problem["status"]) == response["statusCode"]
        assert problem["type"].startswith("/problems/")
        assert problem["request_id"] == "$context.requestId"
        assert response["responseParameters"]["gatewayresponse.header.Content-Type"] == f"'{MEDIA_TYPE}'"


def test_who_must_wait_is_told_how_long() -> None:
    waiting = {
        kind for kind, r in BY_TYPE.items() if "gatewayresponse.header.Retry-After" in r["responseParameters"]
    }
    assert {"THROTTLED", "QUOTA_EXCEEDED"} <= waiting
    assert {BY_TYPE[kind]["statusCode"] for kind in waiting} == {"429", "503", "504"}


def test_an_unknown_route_is_not_found_and_a_missing_token_unauthorized() -> None:
    assert BY_TYPE["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert BY_TYPE["UNAUTHORIZED"]["statusCode"] == "401"


def test_nothing_a_caller_sends_goes_into_an_answer_unescaped() -> None:
    for response in BY_TYPE.values():
        body = response["responseTemplates"]["application/json"]
        assert body.count("$") == 1, "only $context.requestId, which the gateway makes itself"


def test_the_digest_names_the_set() -> None:
    assert digest() == digest()
    assert len(digest()) == 16
