"""Tokens as an operator makes them, and the secret between CloudFront and the services while it changes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.rotation import rotate_origin_secret
from infra.stage import Stage as Place
from tests.e2e.data import RECORD
from tests.stage import Stage


def create(stage: Stage, *options: str) -> dict[str, Any]:
    """Create a token by the command and return what it told."""
    done = stage.headrace("tokens", "create", "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def status(stage: Stage, token: str, method: str, path: str, body: object = None) -> int:
    return stage.request(method, path, body, Authorization=f"Bearer {token}")[0]


@pytest.fixture(scope="module")
def stranger(stage: Stage) -> str:
    """A token for everything, of another pipeline."""
    scopes = [option for scope in ("read", "upload", "predict", "operate") for option in ("--scope", scope)]
    token: str = create(stage, *scopes, "--pipeline", "weather")["token"]
    return token


def test_a_token_does_what_it_was_made_for_and_nothing_else(
    stage: Stage, released: Callable[[], str]
) -> None:
    name = released()
    made = create(stage, "--scope", "predict", "--pipeline", name, "--expires", "1h", "--note", "a shop")
    asked = {"records": [RECORD]}
    assert status(stage, made["token"], "POST", f"/v1/predictions/{name}", asked) == 200
    assert status(stage, made["token"], "GET", f"/v1/models/{name}") == 403
    assert status(stage, made["token"], "POST", "/v1/predictions/weather", asked) == 404
    listed = json.loads(stage.headrace("tokens", "ls", "-o", "json").stdout)
    row = next(one for one in listed if one["id"] == made["id"])
    assert (row["scopes"], row["pipelines"], row["note"], row["state"]) == (
        ["predict"],
        [name],
        "a shop",
        "works",
    )
    assert made["token"] not in json.dumps(listed)


def test_a_revoked_token_opens_nothing(stage: Stage) -> None:
    # Never used before, so no answer about it is kept anywhere.
    made = create(stage)
    done = stage.headrace("tokens", "revoke", made["id"])
    assert done.returncode == 0, done.stderr
    assert status(stage, made["token"], "GET", "/v1/pipelines") == 401
    assert stage.headrace("tokens", "revoke", "tok_unknown").returncode == 3


def test_a_job_of_another_pipeline_is_not_found_nor_started_nor_listed(
    stage: Stage, released: Callable[[], str], stranger: str
) -> None:
    name = released()
    job = stage.get(f"/v1/training-jobs?pipeline={name}")["jobs"][0]["job_id"]
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/stop")):
        assert status(stage, stranger, method, f"/v1/training-jobs/{job}{path}") == 404, path
    assert status(stage, stranger, "POST", "/v1/training-jobs", {"pipeline": name}) == 404
    for path, key in (("training-jobs", "jobs"), ("pipelines", "pipelines"), ("endpoints", "endpoints")):
        _, _, listed = stage.request("GET", f"/v1/{path}", None, Authorization=f"Bearer {stranger}")
        assert name not in json.dumps(listed[key]), path


@pytest.fixture
def direct(stage: Stage) -> Callable[[str], set[int]]:
    """Ask all three services around CloudFront, with a value of the origin secret; return their statuses."""
    apis = [api["id"] for api in stage.aws("apigateway").get_rest_apis()["items"]]

    def ask(secret: str) -> set[int]:
        path = "/restapis/{}/api/_user_request_/v1/{}"
        routes = ("health", "pipelines?limit=1", "training-jobs?limit=1")
        headers = {"x-headrace-origin": secret}
        found = [
            stage.request("GET", path.format(api, route), None, **headers)[0]
            for api in apis
            for route in routes
        ]
        # Each service has one of the routes; what it does not have is the gateway's 404.
        return {one for one in found if one != 404}

    return ask


def test_a_new_origin_secret_refuses_no_request_and_then_the_old_one_opens_nothing(
    stage: Stage, direct: Callable[[str], set[int]]
) -> None:
    place = Place.local(stage.url)

    def secrets() -> dict[str, str]:
        found: dict[str, str] = json.loads(
            stage.aws("secretsmanager").get_secret_value(SecretId="headrace-local-origin")["SecretString"]
        )
        return found

    old = secrets()["current"]
    assert direct(old) == {200}
    meanwhile: list[tuple[str, set[int], set[int], int]] = []

    def look(step: Any) -> None:
        new = secrets()["current"]
        through_the_edge = stage.request("GET", "/v1/pipelines?limit=1")[0]
        meanwhile.append((step.name, direct(old), direct(new), through_the_edge))

    rotate_origin_secret(place, on_step=look)
    assert meanwhile == [
        ("accept", {200}, {200}, 200),
        ("edge", {200}, {200}, 200),
        ("forget", {403}, {200}, 200),
    ]
    assert secrets() == {"current": secrets()["current"], "previous": ""}
