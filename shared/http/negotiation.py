"""Which of a route's formats an Accept header prefers (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Sequence

from shared.errors import NotAcceptable

_Q = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_MOST_RANGES = 32  # browsers send fewer than ten


def negotiate(accept: str, offered: Sequence[str]) -> str:
    """Return the type of *offered* that *accept* gives the highest quality, the earlier one of equals.

    Raises
    ------
    NotAcceptable
        None of them is wanted.
    """
    # By far the most frequent headers, answered without parsing.
    if accept in {"", "*/*", offered[0]}:
        return offered[0]
    ranges = [_parse(part) for part in accept.lower().split(",")[:_MOST_RANGES] if part.strip()]
    qualities = [(_quality(kind, ranges), -place, kind) for place, kind in enumerate(offered)]
    quality, _, best = max(qualities)
    if quality <= 0:
        raise NotAcceptable(f"Accept: {accept[:80]!r} names none of {', '.join(offered)}")
    return best


def _parse(part: str) -> tuple[str, float]:
    """Return a media range without its parameters, and its quality; what is no quality counts as 0."""
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return kind, float(value) if _Q.fullmatch(value.strip()) else 0.0
    return kind, 1.0


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the quality of *kind* by the most specific range that matches it."""
    family = f"{kind.partition('/')[0]}/*"
    for matching in (kind, family, "*/*"):
        found = [quality for asked, quality in ranges if asked == matching]
        if found:
            return max(found)
    return 0.0
