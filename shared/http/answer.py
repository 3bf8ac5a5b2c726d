"""What views answer with: text, and headers of one value each."""

from collections.abc import Mapping
from typing import Any

import msgspec
from chalice.app import Response

JSON = "application/json"


class TextAnswer(Response):
    """An answer whose body is text already."""

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        """Return the answer as API Gateway takes it."""
        # Chalice's own sorts out headers of many values and binary types for as long as a record takes to be
        # checked; we have neither.
        return {
            "headers": self.headers,
            "multiValueHeaders": {},
            "statusCode": self.status_code,
            "body": self.body,
        }


def text_answer(
    body: bytes, kind: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> TextAnswer:
    """Return *body*, UTF-8 text of the media type *kind*, which nobody may keep unless *headers* say otherwise."""
    shown: dict[str, Any] = {"Content-Type": kind, "Cache-Control": "no-store", **(headers or {})}
    return TextAnswer(body.decode(), shown, status)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> TextAnswer:
    """Return *value* as JSON."""
    return text_answer(msgspec.json.encode(value), JSON, status, headers)
