"""Cursors: where a list goes on, as one opaque word."""

import base64
import binascii
from typing import Any

import msgspec

from shared.errors import InvalidRequest


def to_cursor(position: Any) -> str | None:
    """Return *position* as a word for ``?cursor=``; None where the list is at its end."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def from_cursor[T](word: str | None, kind: type[T]) -> T | None:
    """Return the position in *word*, None without one.

    Raises
    ------
    InvalidRequest
        It is not a cursor of this list.
    """
    if not word:
        return None
    try:
        body = base64.urlsafe_b64decode(word.encode() + b"=" * (-len(word) % 4))
        return msgspec.json.decode(body, type=kind)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest(f"cursor={word[:40]!r} is none of this list; use the 'next' of a page") from None
