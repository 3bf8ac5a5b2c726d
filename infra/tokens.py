"""Mint bearer tokens with the operator's own AWS credentials."""

import os
import secrets
from collections.abc import Sequence

from infra.stage import Stage
from shared.auth import SCOPES, hash_token, new_token
from shared.aws import endpoints
from shared.aws.json_api import of_dynamodb
from shared.aws.service import service_at
from shared.clock import to_text, utc_now
from shared.codec import to_row
from shared.conditions import Absent
from shared.entities.serving import Token
from shared.tables import Table

ALL_PIPELINES = ("*",)


def mint_token(
    stage: Stage,
    table: str,
    *,
    scopes: Sequence[str] = SCOPES,
    pipelines: Sequence[str] = ALL_PIPELINES,
    note: str = "",
) -> str:
    """Return a new token, the only time anyone sees it; the table keeps its hash.

    Raises
    ------
    ValueError
        A scope does not exist.
    """
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"scopes {', '.join(sorted(unknown))}: there are only {', '.join(SCOPES)}")
    token = new_token()
    row = Token(
        token_sha256=hash_token(token),
        token_id=f"tok_{secrets.token_hex(4)}",
        scopes=tuple(scopes),
        pipelines=tuple(pipelines),
        created_at=to_text(utc_now()),
        note=note or None,
    )
    dynamodb = of_dynamodb(service_at(endpoints.DYNAMODB, stage.environment(os.environ)))
    tokens = Table(dynamodb, table, "token_sha256")
    tokens.put(to_row(row), only_if=Absent("token_sha256"))
    return token
