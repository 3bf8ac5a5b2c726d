"""A stage that is there: in an AWS account, or the local one, which has much of the behaviour too.

Nothing here runs unless a stage is named:

    pytest -m aws tests/aws --aws-stage dev      # with AWS credentials, on what `headrace deploy --stage dev` made
    pytest -m aws tests/aws --aws-stage local    # on a local stage, deployed for the session

Checks read, but for those of test_a_run.py, which put one small pipeline through the stage and cost some cents.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headrace.client.credentials import find_credentials
from infra.deploy import find_deployment
from infra.records import Record, load
from infra.services import SERVICES
from infra.stage import Stage as Place
from tests.clouds import ROOT
from tests.stage import Answer, Stage, send

OPTION = "--aws-stage"


class Deployed:
    """One deployed stage, as an operator and as a user sees it."""

    def __init__(self, place: Place, url: str, token: str) -> None:
        self.place = place
        self.url = url
        self.token = token
        self.outputs = find_deployment(place) or {}
        self.is_local = place.endpoint_url is not None
        assert self.outputs, f"stage {place.name!r} is not deployed: headrace deploy --stage {place.name}"

    def aws(self, service: str, region: str | None = None) -> Any:
        """Return a client with the operator's rights."""
        return self.place.client(service, region)

    def record(self, service: str) -> Record:
        """Return what the last deployment of a service made."""
        found = load(self.place, self.outputs["ModelsBucket"], service)
        assert found, f"{service} was never deployed"
        return found

    def functions(self) -> list[str]:
        """Return the names of all Lambda functions."""
        return [function for service in SERVICES for function in self.record(service).functions]

    def buckets(self) -> list[str]:
        """Return the names of the four buckets."""
        return [self.outputs[f"{name}Bucket"] for name in ("Incoming", "Data", "Models", "Site")]

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        return [value for name, value in sorted(self.outputs.items()) if name.endswith("Table")]

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one REST request through the public origin."""
        return send(method, self.url + path, body, {"Authorization": f"Bearer {self.token}"} | headers)


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Deployed:
    """The stage that the option names; everything is skipped without it."""
    name = request.config.getoption(OPTION)
    if not name:
        pytest.skip(f"needs a deployed stage: {OPTION} NAME")
    if name == "local":
        stage: Stage = request.getfixturevalue("stage")
        return Deployed(Place.local(stage.url), stage.url, stage.token)
    credentials = find_credentials(name, os.environ, Path(ROOT))
    return Deployed(Place.of(name), credentials.url, credentials.token)


@pytest.fixture
def on_aws(deployed: Deployed) -> Deployed:
    """The stage, where only AWS has what is checked."""
    if deployed.is_local:
        pytest.skip("the local cloud does not model this")
    return deployed


def policy_statements(document: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of a resource's policy."""
    parsed = json.loads(document) if isinstance(document, str) else document
    found: list[dict[str, Any]] = parsed["Statement"]
    return found
