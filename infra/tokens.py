"""Mint, list and revoke bearer tokens with the operator's own AWS credentials."""

import os
import secrets
from collections.abc import Sequence

import msgspec

from infra.errors import NoSuchToken
from infra.removal.kinds import pages
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


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A new token, the only time anyone sees it, and its row: the table keeps the hash."""

    token: str
    row: Token


def tokens_table(stage: Stage) -> str:
    """Return the name of the stage's tokens table."""
    return f"headrace-{stage.name}-tokens"


def mint_token(
    stage: Stage,
    *,
    scopes: Sequence[str] = SCOPES,
    pipelines: Sequence[str] = ALL_PIPELINES,
    expires_at: str | None = None,
    note: str = "",
) -> Minted:
    """Make a token for the scopes and pipelines, for ever or until *expires_at*.

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
        expires_at=expires_at,
        note=note or None,
    )
    dynamodb = of_dynamodb(service_at(endpoints.DYNAMODB, stage.environment(os.environ)))
    tokens = Table(dynamodb, tokens_table(stage), "token_sha256")
    tokens.put(to_row(row), only_if=Absent("token_sha256"))
    return Minted(token=token, row=row)


def list_tokens(stage: Stage) -> list[Token]:
    """Return the tokens, the oldest first; of none more than its hash is known."""
    # The one scan there is: an operator's look at a table of a few rows.
    found = pages(stage.client("dynamodb"), "scan", TableName=tokens_table(stage))
    rows = [_token(item) for page in found for item in page["Items"]]
    return sorted(rows, key=lambda token: (token.created_at, token.token_id))


def revoke_token(stage: Stage, token_id: str) -> Token:
    """Make a token open nothing any more; its row stays, to be seen.

    Raises
    ------
    NoSuchToken
        No token has the id.
    """
    token = next((one for one in list_tokens(stage) if one.token_id == token_id), None)
    if token is None:
        raise NoSuchToken(f"no token {token_id!r} on stage {stage.name!r}: `headrace tokens ls` shows them")
    stage.client("dynamodb").update_item(
        TableName=tokens_table(stage),
        Key={"token_sha256": {"S": token.token_sha256}},
        UpdateExpression="SET revoked = :yes",
        ConditionExpression="attribute_exists(token_sha256)",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    return msgspec.structs.replace(token, revoked=True)


def _token(item: dict[str, dict[str, object]]) -> Token:
    from boto3.dynamodb.types import TypeDeserializer

    plain = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return msgspec.convert(plain, Token, strict=False)
