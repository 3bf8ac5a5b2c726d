"""Whose name requests are signed in."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.errors import Unavailable


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """An access key; its secrets show in no log and no traceback."""

    key_id: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(key_id={self.key_id!r})"


def of_process(environ: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials of now: Lambda's own variables, else whatever botocore's chain finds.

    Read at each call, since the chain's are renewed while a process lives.

    Raises
    ------
    Unavailable
        There are none.
    """
    key_id, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key_id and secret_key:
        return Credentials(
            key_id=key_id, secret_key=secret_key, session_token=environ.get("AWS_SESSION_TOKEN", "")
        )
    return _of_chain()


def _of_chain() -> Credentials:
    """Return what profiles, containers or instances give; it alone needs botocore, which costs 0.3 s to import."""
    found = _chain().get_credentials()
    if found is None:
        raise Unavailable("there are no AWS credentials: set AWS_ACCESS_KEY_ID or AWS_PROFILE")
    frozen = found.get_frozen_credentials()
    return Credentials(
        key_id=frozen.access_key, secret_key=frozen.secret_key, session_token=frozen.token or ""
    )


@functools.cache
def _chain() -> Any:
    from botocore.session import Session

    return Session()
