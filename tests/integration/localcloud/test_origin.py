"""A Chalice app deployed with plain `chalice deploy`, seen through the one origin."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.localcloud import site
from tests.integration.localcloud.cloud import Cloud, cloud_in, unique


class Site(msgspec.Struct, frozen=True):
    cloud: Cloud
    project: Path
    api: str


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cloud of its own: the alias takes over the origin for everybody on the port."""
    with cloud_in(tmp_path_factory.mktemp("front")) as cloud:
        project = site.write_app(tmp_path_factory.mktemp("app") / "tiny")
        api = site.api_id(site.deploy(cloud, project))
        site.put_in_front(cloud, api)
        yield Site(cloud, project, api)


def ask(cloud: Cloud, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.running.port, timeout=30)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    finally:
        connection.close()


def test_the_api_answers_on_its_own_address(front: Site) -> None:
    answer = ask(front.cloud, "GET", f"/_aws/execute-api/{front.api}/api/v1/things/x")
    assert (answer.status, answer.json["name"]) == (200, "x")


def test_the_root_of_the_origin_is_the_site(front: Site) -> None:
    answer = ask(front.cloud, "GET", "/")
    assert (answer.status, answer.body) == (200, b"<h1>home</h1>")
    assert answer.headers["content-type"] == "text/html"
    head = ask(front.cloud, "HEAD", "/")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "13")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
def test_every_method_reaches_the_api_through_the_origin(front: Site, method: str) -> None:
    body = b'{"a": 1}' if method != "GET" else None
    content = {} if body is None else {"Content_Type": "application/json"}
    answer = ask(front.cloud, method, "/v1/things/x?q=a%20b", body, **content)
    seen = answer.json
    assert (answer.status, seen["method"], seen["query"]) == (200, method, {"q": "a b"})
    assert seen["body"] == (None if body is None else {"a": 1})


def test_a_line_break_in_a_path_does_not_lead_past_the_api(front: Site) -> None:
    assert ask(front.cloud, "GET", "/v1/things/x%0d%0ay").json["method"] == "GET"


def test_head_has_no_body(front: Site) -> None:
    answer = ask(front.cloud, "HEAD", "/v1/things/x")
    assert (answer.status, answer.body) == (200, b"")


def test_the_origin_adds_its_secret_and_a_viewer_cannot_forge_it(front: Site) -> None:
    seen = ask(front.cloud, "GET", "/v1/things/x", X_Origin_Secret="forged").json["headers"]
    assert seen["x-origin-secret"] == "s3cret"
    assert seen["host"] == f"{front.api}.execute-api.us-east-1.amazonaws.com"


def test_preflight_answers_with_the_routes_cors_headers(front: Site) -> None:
    answer = ask(
        front.cloud, "OPTIONS", "/v1/things/x", Origin="http://a", Access_Control_Request_Method="PUT"
    )
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PUT" in answer.headers["access-control-allow-methods"]


def test_the_authorizer_decides(front: Site) -> None:
    assert ask(front.cloud, "GET", "/v1/private").status == 401
    assert ask(front.cloud, "GET", "/v1/private", Authorization="wrong").status == 403
    allowed = ask(front.cloud, "GET", "/v1/private", Authorization="let-me-in")
    assert (allowed.status, allowed.json) == (200, {"who": "someone"})


def test_aws_calls_still_reach_aws_on_the_same_port(front: Site) -> None:
    bucket = unique("bucket")
    s3 = front.cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    assert front.cloud.client("sts").get_caller_identity()["Account"] == "000000000000"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert ask(front.cloud, "PUT", put.removeprefix(front.cloud.url), b"data").status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"data"


def test_a_browser_can_post_a_form_to_a_bucket(front: Site) -> None:
    bucket = unique("bucket")
    s3 = front.cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    post = s3.generate_presigned_post(bucket, "k.csv", Conditions=[["content-length-range", 1, 10]])
    for size, status in ((10, 204), (11, 400)):
        answer = _post_form(front.cloud, f"/{bucket}", post["fields"], b"x" * size)
        assert answer.status == status, answer.body
    forged = {**post["fields"], "key": "other.csv"}
    assert _post_form(front.cloud, f"/{bucket}", forged, b"x").status == 403


def _post_form(cloud: Cloud, path: str, fields: dict[str, str], content: bytes) -> Answer:
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    file = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        + content
        + b"\r\n--edge--\r\n"
    )
    return ask(cloud, "POST", path, b"".join(parts) + file, Content_Type="multipart/form-data; boundary=edge")


def test_a_second_deploy_changes_nothing_and_keeps_the_address(front: Site) -> None:
    printed = site.deploy(front.cloud, front.project)
    assert site.api_id(printed) == front.api
    assert ask(front.cloud, "GET", "/v1/things/x").status == 200


def test_gateway_errors_have_the_shape_the_api_owner_chose(front: Site) -> None:
    gateway = front.cloud.client("apigateway")
    template = '{"status": %s, "detail": $context.error.messageString, "instance": "$context.path", "id": "$context.requestId"}'
    for kind, status in (
        ("MISSING_AUTHENTICATION_TOKEN", "404"),
        ("REQUEST_TOO_LARGE", "413"),
        ("UNAUTHORIZED", "401"),
    ):
        gateway.put_gateway_response(
            restApiId=front.api,
            responseType=kind,
            statusCode=status,
            responseTemplates={"application/json": template % status},
            responseParameters={"gatewayresponse.header.Content-Type": "'application/problem+json'"},
        )
    gateway.create_deployment(restApiId=front.api, stageName="api")
    unknown = ask(front.cloud, "GET", "/v1/nothing")
    assert (unknown.status, unknown.json["instance"]) == (404, "/api/v1/nothing")
    assert unknown.headers["content-type"] == "application/problem+json"
    assert ask(front.cloud, "GET", "/v1/private").json["status"] == 401
    large = ask(
        front.cloud, "POST", "/v1/things/x", bytes(10 * 1024 * 1024 + 1), Content_Type="application/json"
    )
    assert (large.status, large.json["detail"]) == (413, "Request Too Long")


def _integrate(front: Site, function: str, **settings: object) -> str:
    """Put a function of the app behind a route of its own; return the path."""
    gateway = front.cloud.client("apigateway")
    name = f"tiny-local-{function}"
    arn = front.cloud.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    resources = gateway.get_resources(restApiId=front.api)["items"]
    parent = next(item["id"] for item in resources if item["path"] == "/v1")
    resource = gateway.create_resource(restApiId=front.api, parentId=parent, pathPart=function)["id"]
    where = {"restApiId": front.api, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, **settings)
    gateway.create_deployment(restApiId=front.api, stageName="api")
    return f"/v1/{function}"


def test_a_failed_function_behind_the_api_never_shows_its_exception(front: Site) -> None:
    answer = ask(front.cloud, "GET", _integrate(front, "crash"))
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})


def test_the_api_does_not_wait_longer_than_its_limit(front: Site) -> None:
    answer = ask(front.cloud, "GET", _integrate(front, "dawdle", timeoutInMillis=100))
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})


@pytest.mark.parametrize(
    "address", ["/v1/things/a%20b%C3%A9", "/_aws/execute-api/{api}/api/v1/things/a%20b%C3%A9"]
)
def test_a_path_parameter_arrives_decoded(front: Site, address: str) -> None:
    assert ask(front.cloud, "GET", address.format(api=front.api)).json["name"] == "a bé"


def test_a_disabled_distribution_lets_go_of_the_origin(front: Site) -> None:
    cloudfront = front.cloud.client("cloudfront")
    distribution = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]

    def switch(enabled: bool) -> None:
        found = cloudfront.get_distribution_config(Id=distribution)
        config = {**found["DistributionConfig"], "Enabled": enabled}
        cloudfront.update_distribution(Id=distribution, IfMatch=found["ETag"], DistributionConfig=config)

    switch(False)
    assert b"home" not in ask(front.cloud, "GET", "/").body
    switch(True)
    assert b"home" in ask(front.cloud, "GET", "/").body
