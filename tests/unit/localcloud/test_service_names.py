"""Which names in a signature are services of AWS, known without reading what they can do."""

from typing import Any

import botocore.session
import pytest
from ministack.core import router

from localcloud.mends import service_names


def test_a_service_is_known_by_its_name_without_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        botocore.session.Session, "get_service_model", lambda _, service: read.append(service)
    )
    monkeypatch.setattr(router, "_KNOWN_AWS_SERVICE_NAMES", None)
    settings: Any = None
    service_names.mend(settings)
    assert router._is_aws_service_name("sagemaker")
    assert not router._is_aws_service_name("no-such-service")
    assert read == []
