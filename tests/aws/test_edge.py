"""The one origin: nobody walks around it, refusals have our shape, secrets and caches are as they should be."""

import json
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from infra.services import SERVICES
from infra.stage import EDGE_REGION
from tests.aws.conftest import Deployed

pytestmark = pytest.mark.aws
PROBLEM = "application/problem+json"


def test_the_stage_is_well(deployed: Deployed) -> None:
    status, _, body = deployed.request("GET", "/v1/health")
    assert (status, body["stage"]) == (200, deployed.place.name)


@pytest.mark.parametrize("path", ["/v1/pipelines", "/v1/training-jobs", "/v1/endpoints"])
@pytest.mark.parametrize("token", ["", "Bearer hr_" + "x" * 43, "Basic eDp5"])
def test_no_token_no_answer(deployed: Deployed, path: str, token: str) -> None:
    status, headers, body = deployed.request("GET", path, Authorization=token)
    assert status == 401
    assert ({name.lower(): value for name, value in headers.items()}["content-type"], body["status"]) == (
        PROBLEM,
        401,
    )


@pytest.mark.parametrize("path", ["/v1/pipelines/absent", "/v1/models/absent/v1", "/v1/no-such-thing"])
def test_what_is_not_there_is_404_in_our_shape(deployed: Deployed, path: str) -> None:
    status, _, body = deployed.request("GET", path)
    assert (status, body["status"]) == (404, 404)
    assert {"type", "title", "detail", "request_id"} <= body.keys()


def test_nobody_walks_around_the_edge(on_aws: Deployed) -> None:
    for service in SERVICES:
        api, region = on_aws.record(service).api_id, on_aws.place.region
        url = f"https://{api}.execute-api.{region}.amazonaws.com/api/v1/health"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=10)
        assert refused.value.code in {403, 404}, service


def test_the_origin_speaks_tls_1_2_or_newer_only(on_aws: Deployed) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_default_certs()
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(on_aws.url, timeout=10, context=old)


def test_plain_http_is_sent_to_https(on_aws: Deployed) -> None:
    with urllib.request.urlopen(f"http://{urlsplit(on_aws.url).netloc}/", timeout=10) as answer:
        assert answer.geturl().startswith("https://")


def test_errors_are_not_kept_by_the_edge(deployed: Deployed) -> None:
    cloudfront = deployed.aws("cloudfront", EDGE_REGION)
    told = cloudfront.get_distribution(Id=deployed.outputs["DistributionId"])["Distribution"]
    errors = told["DistributionConfig"]["CustomErrorResponses"]["Items"]
    assert {error["ErrorCachingMinTTL"] for error in errors} == {0}
    assert all(not error.get("ResponsePagePath") for error in errors)


def test_answers_of_the_api_are_never_cached(deployed: Deployed) -> None:
    status, headers, _ = deployed.request("GET", "/v1/pipelines")
    assert status == 200
    assert "no-store" in {name.lower(): value for name, value in headers.items()}["cache-control"]


def test_the_console_cannot_be_read_past_the_edge(on_aws: Deployed) -> None:
    bucket, region = on_aws.outputs["SiteBucket"], on_aws.place.region
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"https://{bucket}.s3.{region}.amazonaws.com/index.html", timeout=10)
    assert refused.value.code == 403


def test_the_origin_secret_is_long_and_none_of_the_answers_tells_it(deployed: Deployed) -> None:
    secrets = deployed.aws("secretsmanager")
    text = secrets.get_secret_value(SecretId=f"headrace-{deployed.place.name}-origin")["SecretString"]
    current = json.loads(text)["current"]
    assert len(current) >= 64
    _, headers, body = deployed.request("GET", "/v1/health")
    assert current not in str(headers) + str(body)
