"""Idempotency-Key: a request that is sent twice is done once, and answered twice with the same answer.

Stages: claim the key → do the work → keep the answer, or let the key go where nothing came of it. The claim has an
owner and a lease: who comes after a crash takes it over, and whoever lost it can no longer write under it.
"""

import hashlib
import logging
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
from chalice.app import Response

from shared.clock import Clock
from shared.codec import from_row, to_row
from shared.conditions import Absent, AtMost, all_of, any_of, having
from shared.errors import ConditionFailed, HeadraceError, InProgress, InvalidBody, InvalidRequest
from shared.http.request import Request
from shared.tables import Change, Table

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_KEY_LENGTH = 255
KEEP_S = 24 * 3600
# API Gateway gives up after 29 s and Lambda kills the handler then: half a minute later nobody works on it.
LEASE_S = 60
_MAX_BODY_BYTES = 300_000  # DynamoDB takes 400 KB an item
_KEPT_HEADERS = ("Content-Type", "Cache-Control", "Location", "ETag")


class State(StrEnum):
    """Whether the first request with a key has been answered."""

    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One row: who works on a key until when, and what was answered. ``expires_at_s`` is the TTL attribute."""

    id: str
    fingerprint: str
    state: State
    owner: str
    lease_until_s: int
    expires_at_s: int
    status: int = 0
    headers: dict[str, str] = {}
    body: str = ""


class Replies:
    """The answers of the last day by key; of each token, method and path the keys are its own."""

    def __init__(self, table: Table, clock: Clock, log: logging.Logger) -> None:
        self._table = table
        self._clock = clock
        self._log = log

    def once(self, method: str, request: Request, action: Callable[[], Response]) -> Response:
        """Return the answer of *action*, or the one it gave to the same request before.

        Raises
        ------
        InvalidRequest
            The key is empty, too long or not printable ASCII.
        InvalidBody
            The key came before with another request.
        InProgress
            The first request with the key is still at work.
        """
        claim = self._claim_of(method, request)
        known = self._claim(claim)
        if known is not None:
            return _replay(known, claim)
        kept = False
        try:
            response = action()
            kept = self._keep(claim, response)
        finally:
            # Nothing was made, or nobody knows: the next try with this key shall do it, not be told so.
            if not kept:
                self._let_go(claim)
        return response

    def _claim_of(self, method: str, request: Request) -> Reply:
        key = request.headers[KEY_HEADER.lower()]
        if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
            raise InvalidRequest(f"{KEY_HEADER} needs 1 to {MAX_KEY_LENGTH} printable ASCII characters")
        now = int(self._clock().timestamp())
        return Reply(
            id=_name_of(method, request, key),
            fingerprint=_digest(request.raw_body, *(f"{k}={v}" for k, v in sorted(request.query.items()))),
            state=State.IN_PROGRESS,
            owner=uuid.uuid4().hex,
            lease_until_s=now + LEASE_S,
            expires_at_s=now + KEEP_S,
        )

    def _claim(self, claim: Reply) -> Reply | None:
        """Take the key and return None, or return who has it."""
        now = int(self._clock().timestamp())
        # DynamoDB's TTL may come two days late: what has expired is as good as gone.
        left = all_of(having("state", State.IN_PROGRESS), AtMost("lease_until_s", now))
        free = any_of(Absent("id"), AtMost("expires_at_s", now), left)
        try:
            self._table.put(to_row(claim), only_if=free)
        except ConditionFailed:
            row = self._table.get(claim.id)
            if row is None:
                # Let go between the two calls.
                raise InProgress(
                    f"another request with this {KEY_HEADER} has just ended; repeat it"
                ) from None
            known = from_row(row, Reply)
            # Ours: the first call's answer was lost, and the client made it again.
            return None if known.owner == claim.owner else known
        return None

    def _keep(self, claim: Reply, response: Response) -> bool:
        """Store a successful answer and say whether it is there now; one that was lost does no harm."""
        if not 200 <= response.status_code < 300 or len(response.body) > _MAX_BODY_BYTES:
            return False
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        answer: dict[str, Any] = {
            "state": State.DONE,
            "status": response.status_code,
            "headers": headers,
            "body": response.body,
        }
        try:
            self._table.update((claim.id,), Change(set=answer), only_if=having("owner", claim.owner))
        except HeadraceError:
            # The work is done and its own conditions hold a repetition off: better answered than failed.
            self._log.exception("answer not kept for its idempotency key")
            return False
        return True

    def _let_go(self, claim: Reply) -> None:
        try:
            self._table.delete((claim.id,), only_if=having("owner", claim.owner))
        except HeadraceError:
            self._log.exception("idempotency key not let go; its lease ends by itself")


def wish_of(method: str, request: Request) -> str | None:
    """Return the name under which the answer to *request* is kept, None where it came without a key.

    Work that makes something may keep it with what it made: an answer may get lost, this is not.
    """
    key = request.headers.get(KEY_HEADER.lower())
    return _name_of(method, request, key) if key is not None else None


def _name_of(method: str, request: Request, key: str) -> str:
    return _digest(request.caller.token_id, method, request.path, key)


def _replay(known: Reply, claim: Reply) -> Response:
    if known.fingerprint != claim.fingerprint:
        raise InvalidBody(f"this {KEY_HEADER} came before with another body or query; take a new key")
    if known.state != State.DONE:
        raise InProgress(f"the first request with this {KEY_HEADER} is still being answered")
    return Response(known.body, {**known.headers, REPLAYED_HEADER: "true"}, known.status)


def _digest(*parts: str | bytes) -> str:
    """Return one hash of *parts*; the lengths keep ("a", "b") and ("ab", "") apart."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(len(content).to_bytes(8) + content)
    return whole.hexdigest()
