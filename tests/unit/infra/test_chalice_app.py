"""A service that Chalice cannot deploy is told of in one line, which the deployer hands on."""

import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from chalice.deploy.deployer import ChaliceDeploymentError

from infra import chalice_app, services
from infra.errors import ChaliceFailed, PackageTooLarge
from infra.stage import Stage

REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not\nallowed."}}, "CreateFunction")
TOLD = {
    "by Lambda, within Chalice": (
        ChaliceDeploymentError(REFUSED),
        "An error occurred (AccessDenied) when calling the CreateFunction operation: not allowed. "
        "What to do: deploy again: it goes on from what is there.",
    ),
    "by nobody": (
        EndpointConnectionError(endpoint_url="https://aws.example"),
        'Could not connect to the endpoint URL: "https://aws.example". '
        "What to do: deploy again: it goes on from what is there.",
    ),
    "by us": (PackageTooLarge("60 MB, at most 50"), "PackageTooLarge: 60 MB, at most 50"),
}


@pytest.mark.parametrize("why", TOLD)
def test_what_goes_wrong_is_one_line(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error, told = TOLD[why]

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(chalice_app, "deploy_app", refuse)
    assert chalice_app.main(["folder", "dev", "ingest"]) == told


def test_the_deployer_hands_the_line_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Done:
        returncode = 1
        stderr = "it was refused. What to do: deploy again.\n"
        stdout = ""

    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Done)
    stage = Stage.local("http://127.0.0.1:1")
    with pytest.raises(ChaliceFailed, match=r"^ingest: it was refused. What to do: deploy again.$"):
        services.run_chalice(stage, "ingest", tmp_path)
