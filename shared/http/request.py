"""What a view sees of the request."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.errors import Forbidden, InvalidRequest, NotFound


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: the token's id, its scopes and the pipelines it may touch (``*`` is all)."""

    token_id: str = ""
    scopes: frozenset[str] = frozenset()
    pipelines: frozenset[str] = frozenset()

    def may_touch(self, pipeline: str) -> bool:
        """Say whether the token reaches *pipeline*."""
        return "*" in self.pipelines or pipeline in self.pipelines


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its caller, the parsed body (None where the route takes none) and the rest as text."""

    id: str
    path: str
    caller: Caller
    body: Any = None
    raw_body: bytes = b""
    query: dict[str, str] = {}
    headers: Mapping[str, str] = {}

    def limit(self, *, default: int = 50, maximum: int = 200) -> int:
        """Return ``?limit=``.

        Raises
        ------
        InvalidRequest
            It is not a whole number from 1 to *maximum*.
        """
        text = self.query.get("limit", str(default))
        # isdigit alone takes "²" too, and int() of a very long text is slow.
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= maximum:
            raise InvalidRequest(f"limit={text[:20]!r} is not a whole number from 1 to {maximum}")
        return int(text)


def authorise(caller: Caller, scope: str, pipeline: str | None) -> None:
    """Check the route's *scope* and the pipeline in its path.

    Raises
    ------
    Forbidden
        The scope is missing.
    NotFound
        The pipeline is outside the token's list: that it exists is not told either.
    """
    if scope not in caller.scopes:
        raise Forbidden(f"this token lacks the scope {scope!r}")
    if pipeline is not None and not caller.may_touch(pipeline):
        raise NotFound(f"no pipeline {pipeline!r}")


def caller_of(context: dict[str, Any]) -> Caller:
    """Return the caller that the authorizer put into the request context."""
    # API Gateway passes on texts only, so the lists come joined by spaces.
    claims = context.get("authorizer") or {}
    return Caller(
        token_id=str(claims.get("principalId", "")),
        scopes=frozenset(str(claims.get("scopes", "")).split()),
        pipelines=frozenset(str(claims.get("pipelines", "")).split()),
    )


def public_path(context: dict[str, Any], default: str = "") -> str:
    """Return the path as the caller wrote it: API Gateway's context path begins with its stage, the origin's does not."""
    path = str(context.get("path", default))
    return path.removeprefix(f"/{context['stage']}") if context.get("stage") else path
