"""What of the caller's environment reaches the server."""

import os
from pathlib import Path

import pytest

from localcloud.home import Home
from localcloud.sagemaker.settings import Settings as SageMakerSettings
from localcloud.settings import Settings, install_environment


def test_the_switches_of_the_local_sagemaker_reach_the_server_and_a_developers_aws_profile_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caller = {
        "PATH": "/bin",
        "LOCALCLOUD_SAGEMAKER_NAMESPACES": "off",
        "LOCALCLOUD_SAGEMAKER_TRAINING_INSTANCES": "7",
        "AWS_PROFILE": "mine",
        "HTTPS_PROXY": "http://proxy",
        "PYTHONWARNINGS": "error",
    }
    # A copy stands in for the real one, which the tests after this still need.
    monkeypatch.setattr(os, "environ", dict(caller))
    install_environment(Settings(home=Home(root=tmp_path), port=1, lambda_runtime=tmp_path, images=tmp_path))
    assert os.environ["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "HTTPS_PROXY", "PYTHONWARNINGS"} & os.environ.keys()
    switches = SageMakerSettings.from_env(images=tmp_path, home=tmp_path, endpoint_url="", env=os.environ)
    assert (switches.use_namespaces, switches.training_instances) == (False, 7)
