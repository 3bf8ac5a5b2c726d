"""What belongs to AWS and what to the origin, on the one port they share."""

import pytest

from localcloud.requests import Request, is_aws_call, needs_body

BUCKETS = ["uploads"]
FORM = "application/x-www-form-urlencoded"


def request(method: str = "GET", path: str = "/", query: str = "", **headers: str) -> Request:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method=method, path=path, query=query, headers={"host": "127.0.0.1:4577", **names})


@pytest.mark.parametrize(
    "call",
    [
        request(authorization="AWS4-HMAC-SHA256 Credential=test/..."),
        request(authorization="AWS test:signature"),
        request(path="/uploads/a.csv", query="X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=1"),
        request(path="/uploads/a.csv", query="AWSAccessKeyId=test&Signature=1"),
        request("POST", x_amz_target="DynamoDB_20120810.GetItem"),
        request("POST", "/uploads", content_type="multipart/form-data; boundary=x"),
        request("OPTIONS", "/uploads/a.csv", access_control_request_method="POST"),
        request(path="/_ministack/health"),
        request(path="/_localcloud/health"),
        request(path="/_aws/execute-api/abc/api/v1"),
    ],
)
def test_calls_that_carry_a_mark_of_aws_are_aws_calls(call: Request) -> None:
    assert is_aws_call(call, BUCKETS)


@pytest.mark.parametrize(
    "call",
    [
        request(),
        request(path="/v1/health"),
        request("HEAD", "/index.html"),
        request("PUT", "/v1/pipelines/p", content_type="application/json"),
        request("POST", "/v1/predictions/p", authorization="Bearer secret"),
        request("POST", "/v1/files", content_type="multipart/form-data; boundary=x"),
        request("OPTIONS", "/v1/predictions/p", access_control_request_method="POST"),
        request("GET", "/uploads/a.csv"),
        request("POST", "/v1/x", content_type=FORM),
        request(path="/v1/x", query="x=X-Amz-Signature"),
    ],
)
def test_everything_else_belongs_to_the_origin(call: Request) -> None:
    assert not is_aws_call(call, BUCKETS)


def test_only_the_body_of_a_form_tells_a_query_protocol_call() -> None:
    form = request("POST", "/", content_type=FORM)
    assert needs_body(form)
    assert is_aws_call(form, BUCKETS, b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15")
    assert not is_aws_call(form, BUCKETS, b"name=Action")
    assert not needs_body(request("POST", "/", content_type="application/json"))


def test_the_host_is_known_without_its_port() -> None:
    assert request().host == "127.0.0.1"
