"""What others may do in our name for a while: write one key by a form, or send one part."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from shared.aws.signing import ALGORITHM, UNSIGNED, Asked, query_string, sign_query, sign_text
from shared.objects.rest import Headers, ObjectCalls, address

Query = list[tuple[str, str]]


def sign_form(
    calls: ObjectCalls, key: str, *, max_bytes: int, expires_s: int, also: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return ``{url, fields}`` of a form that writes *key*; the fields *also* may not be left out or changed.

    A form, since a presigned PUT cannot limit the size. S3 user guide, "Creating a POST policy".
    """
    scope, who = calls.service.scope(), calls.service.who()
    fields = {
        "key": key,
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{who.key_id}/{scope.name}",
        "x-amz-date": scope.time,
        **(also or {}),
    }
    if who.session_token:
        fields["x-amz-security-token"] = who.session_token
    conditions = [{name: value} for name, value in {"bucket": calls.bucket, **fields}.items()]
    policy = {
        "expiration": (scope.at + timedelta(seconds=expires_s)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "conditions": [["content-length-range", 0, max_bytes], *conditions],
    }
    encoded = base64.b64encode(msgspec.json.encode(policy)).decode()
    proof = sign_text(encoded, who, scope)
    origin, path = address(calls.service.endpoint, calls.bucket, "")
    url = origin + (path.rstrip("/") or "/")
    return {"url": url, "fields": {**fields, "policy": encoded, "x-amz-signature": proof}}


def sign_put(calls: ObjectCalls, key: str, query: Query, headers: Headers, *, expires_s: int) -> str:
    """Return the URL to which anyone may PUT *key* with exactly these *headers*."""
    return _sign("PUT", calls, key, query, headers, expires_s=expires_s)


def sign_get(calls: ObjectCalls, key: str, *, expires_s: int) -> str:
    """Return the URL at which anyone may read *key*."""
    return _sign("GET", calls, key, [], {}, expires_s=expires_s)


def _sign(
    method: str, calls: ObjectCalls, key: str, query: Query, headers: Headers, *, expires_s: int
) -> str:
    origin, path = address(calls.service.endpoint, calls.bucket, key)
    asked = Asked(
        method=method,
        path=path,
        query=query_string(query),
        headers={**headers, "host": origin.partition("://")[2]},
        payload_sha256=UNSIGNED,
    )
    signed = sign_query(asked, calls.service.who(), calls.service.scope(), expires_s=expires_s)
    return f"{origin}{path}?{signed}"
