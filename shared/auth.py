"""Bearer tokens: 256 random bits, kept as their SHA-256, checked by one authorizer function per app."""

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any

from shared.clock import Clock, to_text, utc_now
from shared.codec import from_row
from shared.entities.serving import Token
from shared.tables import Table

SCOPES = ("read", "upload", "predict", "operate")
TTL_S = 60  # how long API Gateway may keep an answer: also how long a revoked or expired token may still work
_BEARER = re.compile(r"Bearer (hr_[A-Za-z0-9_-]{43})")


def new_token() -> str:
    """Return a fresh token; only its hash is ever stored."""
    return f"hr_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> str:
    """Return what the tokens table keeps of *token*."""
    # No salt and no slow hash: 256 random bits cannot be guessed, and each request would pay for it.
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """Adapter: the tokens table, as an authorizer reads it."""

    def __init__(self, table: Table, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    def find(self, header: str) -> Token | None:
        """Return the token an Authorization *header* carries, None if malformed, unknown, revoked or expired."""
        # The pattern first: guesses of another shape cost no read of the table.
        match = _BEARER.fullmatch(header)
        row = self._table.get(hash_token(match[1])) if match else None
        token = from_row(row, Token) if row else None
        return token if token and is_valid(token, self._clock()) else None


def is_valid(token: Token, now: datetime) -> bool:
    """Say whether the token still opens anything at *now*."""
    # Texts of whole seconds in UTC sort as the times do.
    expired = token.expires_at is not None and token.expires_at <= to_text(now)
    return not token.revoked and not expired


def claims(token: Token) -> dict[str, Any]:
    """Return the context API Gateway hands to the views; it carries only texts."""
    return {"scopes": " ".join(token.scopes), "pipelines": " ".join(token.pipelines)}
