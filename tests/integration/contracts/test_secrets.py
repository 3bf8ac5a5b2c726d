"""What the origin secret promises, whichever cloud keeps it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import Broken
from shared.secrets import OriginSecret
from tests.clouds import secrets_manager
from tests.integration.contracts.conftest import IN_MEMORY


def test_both_values_are_accepted_while_the_secret_rotates(
    cloud: str, url: str | None, clients: Callable[[str], Any]
) -> None:
    if cloud in IN_MEMORY:
        pytest.skip("a fake of two lines would prove nothing")
    name = f"contract-{uuid.uuid4().hex[:8]}"
    value = '{"current": "new", "previous": "old", "next": ""}'
    arn = clients("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
    assert set(OriginSecret(secrets_manager(url), arn).values()) == {"new", "old"}
    with pytest.raises(Broken):
        OriginSecret(secrets_manager(url), f"{name}-absent").values()
