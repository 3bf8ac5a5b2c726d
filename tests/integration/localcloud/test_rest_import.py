"""ImportRestApi and PutRestApi, which `chalice deploy` deploys by: what a document says is what the API is."""

import json
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import Cloud, policy, unique


def document(*paths: str, **more: Any) -> bytes:
    """Return a Swagger document whose paths answer GET by themselves."""
    integration = {
        "type": "mock",
        "passthroughBehavior": "when_no_match",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }
    operation = {
        "responses": {"200": {"description": "fine"}},
        "x-amazon-apigateway-integration": integration,
    }
    described = {
        "swagger": "2.0",
        "info": {"title": unique("imported"), "version": "1"},
        "paths": {path: {"get": operation} for path in paths},
    }
    return json.dumps(described | more).encode()


def only_from(address: str) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    return policy(statement | {"Condition": {"IpAddress": {"aws:SourceIp": address}}})


def policy_of(api: dict[str, Any]) -> Any:
    """Return the policy of an API; AWS gives it with every quote escaped once more."""
    return json.loads(json.loads(f'"{api["policy"]}"'))


def paths_of(gateway: Any, api: str) -> set[str]:
    return {item["path"] for item in gateway.get_resources(restApiId=api)["items"]}


def test_an_import_makes_what_the_document_says_and_an_overwrite_replaces_all_of_it(cloud: Cloud) -> None:
    gateway = cloud.client("apigateway")
    first, second = only_from("10.0.0.0/8"), only_from("192.0.2.0/24")
    extensions = {
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "x-amazon-apigateway-policy": json.loads(first),
    }
    api = gateway.import_rest_api(
        body=document("/a", "/b", **extensions), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )["id"]
    made = gateway.get_rest_api(restApiId=api)
    assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert (made["binaryMediaTypes"], policy_of(made)) == (["image/png"], json.loads(first))
    assert paths_of(gateway, api) == {"/", "/a", "/b"}
    replacing = document("/b", **{"x-amazon-apigateway-policy": json.loads(second)})
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=replacing)
    made = gateway.get_rest_api(restApiId=api)
    assert (made.get("binaryMediaTypes", []), policy_of(made)) == ([], json.loads(second))
    assert made["name"] == json.loads(replacing)["info"]["title"]
    assert paths_of(gateway, api) == {"/", "/b"}
    (resource,) = [one for one in gateway.get_resources(restApiId=api)["items"] if one["path"] == "/b"]
    kept = gateway.get_integration(restApiId=api, resourceId=resource["id"], httpMethod="GET")
    assert (kept["type"], kept["requestTemplates"]) == ("MOCK", {"application/json": '{"statusCode": 200}'})


@pytest.mark.parametrize(
    ("body", "api", "code"),
    [
        (b"no document", None, "BadRequestException"),
        (b'{"swagger": "2.0"}', None, "BadRequestException"),
        (document("/a"), "nobodys", "NotFoundException"),
    ],
)
def test_what_cannot_be_imported_is_refused(cloud: Cloud, body: bytes, api: str | None, code: str) -> None:
    gateway = cloud.client("apigateway")
    call = partial(gateway.put_rest_api, restApiId=api, mode="overwrite") if api else gateway.import_rest_api
    with pytest.raises(ClientError) as refused:
        call(body=body)
    assert refused.value.response["Error"]["Code"] == code


def test_an_empty_size_switches_compression_off(cloud: Cloud) -> None:
    gateway = cloud.client("apigateway")
    api = gateway.import_rest_api(body=document("/a"))["id"]

    def change(value: str) -> int | None:
        step = {"op": "replace", "path": "/minimumCompressionSize", "value": value}
        gateway.update_rest_api(restApiId=api, patchOperations=[step])
        size: int | None = gateway.get_rest_api(restApiId=api).get("minimumCompressionSize")
        return size

    assert change("1024") == 1024
    assert change("") is None
