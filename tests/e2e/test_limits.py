"""Limits of the API on the deployed stage: more than it may have is refused in our shape, and soon forgotten."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stage import Answer, Stage, eventually

RATE, BURST = 5, 5
ROUTE = "~1v1~1pipelines/GET"


@pytest.fixture
def throttled(stage: Stage) -> Iterator[Stage]:
    """The stage with one route that may be called five times a second, as the whole API may 200 times."""
    gateway = stage.aws("apigateway")
    (api,) = [one["id"] for one in gateway.get_rest_apis()["items"] if one["name"] == "headrace-ingest-local"]

    def change(operation: str, **values: float) -> None:
        patch = [
            {"op": operation, "path": f"/{ROUTE}/throttling/{name}", "value": str(value)}
            for name, value in values.items()
        ]
        gateway.update_stage(restApiId=api, stageName="api", patchOperations=patch)

    change("replace", rateLimit=RATE, burstLimit=BURST)
    try:
        yield stage
    finally:
        change("replace", rateLimit=200, burstLimit=400)


def test_over_its_rate_a_route_answers_429_in_our_shape_and_soon_again_as_before(throttled: Stage) -> None:
    def ask(number: int) -> Answer:
        # Three times the rate, evenly: what a client without manners does.
        time.sleep(max(0.0, started + number / (3 * RATE) - time.monotonic()))
        return throttled.request("GET", "/v1/pipelines")

    throttled.request("GET", "/v1/pipelines")
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(45)))
    refused = [(headers, body) for status, headers, body in answers if status == 429]
    assert {status for status, _, _ in answers} == {200, 429}
    for headers, body in refused:
        assert int(headers["Retry-After"]) >= 1
        assert headers["Content-Type"] == "application/problem+json"
        assert (body["status"], body["title"]) == (429, "Too many requests")
    assert eventually(lambda: throttled.request("GET", "/v1/pipelines")[0] == 200, within_s=2)
