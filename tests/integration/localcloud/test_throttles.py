"""API Gateway counts: what it answered, a stage's throttle, what a usage plan allows a key. Nothing runs behind these APIs."""

import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

import pytest

from tests.integration.localcloud.cloud import Cloud, unique
from tests.integration.localcloud.test_watching import total


class Api:
    """A REST API with one route that answers by itself, deployed to the stage `live`."""

    def __init__(self, cloud: Cloud, *, status: int = 200, needs_key: bool = False) -> None:
        self.cloud, self.gateway = cloud, cloud.client("apigateway")
        self.name = unique("api")
        self.id = self.gateway.create_rest_api(name=self.name)["id"]
        root = self.gateway.get_resources(restApiId=self.id)["items"][0]["id"]
        where = {"restApiId": self.id, "resourceId": root, "httpMethod": "GET"}
        self.gateway.put_method(**where, authorizationType="NONE", apiKeyRequired=needs_key)
        self.gateway.put_integration(
            **where, type="MOCK", requestTemplates={"application/json": f'{{"statusCode": {status}}}'}
        )
        self.gateway.put_method_response(**where, statusCode=str(status))
        self.gateway.put_integration_response(
            **where,
            statusCode=str(status),
            selectionPattern="" if status == 200 else str(status),
            responseTemplates={"application/json": '{"message": "mine"}'},
        )
        self.gateway.create_deployment(restApiId=self.id, stageName="live")

    def ask(self, path: str = "", **headers: str) -> tuple[int, str]:
        """Return the status and, of an error, the message of one call."""
        url = f"{self.cloud.url}/_aws/execute-api/{self.id}/live/{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=named), timeout=10) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, str(json.load(error)["message"])

    def key(self, **limits: Any) -> str:
        """Return a key of a usage plan of its own."""
        plan = self.gateway.create_usage_plan(
            name=unique("plan"), apiStages=[{"apiId": self.id, "stage": "live"}], **limits
        )["id"]
        key = self.gateway.create_api_key(name=unique("key"), enabled=True)
        self.gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        return str(key["value"])


def test_every_answer_is_measured_by_its_status_also_the_gateways_own(cloud: Cloud) -> None:
    fine, broken = Api(cloud), Api(cloud, status=500)
    assert [fine.ask()[0], fine.ask()[0], fine.ask("nothing")[0], broken.ask()[0]] == [200, 200, 403, 500]
    names = ("Count", "4XXError", "5XXError")
    for stage in ({}, {"Stage": "live"}):
        measured = [
            [total(cloud, "AWS/ApiGateway", name, ApiName=api.name, **stage) for name in names]
            for api in (fine, broken)
        ]
        assert measured == [[3, 1, 0], [1, 0, 1]]
    assert total(cloud, "AWS/ApiGateway", "Latency", "SampleCount", ApiName=fine.name) == 3


def test_a_stage_lets_its_burst_through_and_no_more(cloud: Cloud) -> None:
    api = Api(cloud)
    limits = {"rateLimit": "0.01", "burstLimit": "3"}
    api.gateway.update_stage(
        restApiId=api.id,
        stageName="live",
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": value}
            for name, value in limits.items()
        ],
    )
    assert Counter(api.ask() for _ in range(6)) == {(200, ""): 3, (429, "Too Many Requests"): 3}


def test_each_key_has_the_burst_of_its_usage_plan(cloud: Cloud) -> None:
    api = Api(cloud, needs_key=True)
    one, other = (api.key(throttle={"rateLimit": 0.01, "burstLimit": 2}) for _ in range(2))
    assert api.ask()[0] == api.ask(x_api_key="nobodys")[0] == 403
    assert [api.ask(x_api_key=one)[0] for _ in range(3)] == [200, 200, 429]
    assert api.ask(x_api_key=other)[0] == 200


def test_a_quota_is_used_up_and_says_so(cloud: Cloud) -> None:
    api = Api(cloud, needs_key=True)
    key = api.key(quota={"limit": 2, "period": "DAY"})
    assert [api.ask(x_api_key=key) for _ in range(3)] == [(200, ""), (200, ""), (429, "Limit Exceeded")]


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("THROTTLED", {"throttle": {"rateLimit": 0.01, "burstLimit": 1}}),
        ("QUOTA_EXCEEDED", {"quota": {"limit": 1, "period": "DAY"}}),
    ],
)
def test_what_is_over_a_limit_is_told_in_the_shape_of_its_gateway_response(
    cloud: Cloud, kind: str, limits: dict[str, Any]
) -> None:
    api = Api(cloud, needs_key=True)
    api.gateway.put_gateway_response(
        restApiId=api.id,
        responseType=kind,
        statusCode="420",
        responseTemplates={"application/json": '{"message": "$context.error.responseType"}'},
    )
    api.gateway.create_deployment(restApiId=api.id, stageName="live")
    key = api.key(**limits)
    assert [api.ask(x_api_key=key) for _ in range(2)] == [(200, ""), (420, kind)]
