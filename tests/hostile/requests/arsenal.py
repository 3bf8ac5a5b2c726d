"""What requests made to harm are put together from: names, queries, bodies, types and headers, by kind."""

NAMES: dict[str, tuple[str, ...]] = {
    "names that climb": ("..", ".", "%", "a/../../b", "%2e%2e%2f"),
    "names of no letters: NUL, unicode, direction marks": ("\x00", "\U0001d52b\U0001d52c", "\u202eabc"),
    "names that other languages run": (
        "'; DROP TABLE models--",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "*",
    ),
    "names of a kind of our own": ("#counters", "-1", "v99999999999"),
    "names that are values elsewhere": ("a b", "NaN", "null"),
    "names too long": ("x" * 1500,),
}
QUERIES: dict[str, tuple[str, ...]] = {
    "queries: numbers": ("limit=-1", "limit=99999999999999999999", "limit=%C2%B2", "limit="),
    "queries: cursors": ("cursor=garbage", "cursor=" + "A" * 2000, "cursor=eyJhIjoxfQ"),
    "queries: versions and times": (
        "version=v0",
        "version=%00",
        "at=yesterday",
        "at=9999-12-31T23:59:59-23:59",
        "from=latest&to=" + "d" * 500,
    ),
    "queries: words": (
        "on_error=rows",
        "unseen=%FF",
        "routing_key=" + "k" * 3000,
        "filename=../../etc/passwd",
    ),
    "queries: malformed or twice": ("&&&===", "limit=1&limit=2"),
}
BODIES: dict[str, tuple[bytes, ...]] = {
    "bodies: broken": (b"", b"{", b"\xff\xfe\x00"),
    "bodies: another value": (b"null", b"[]", b"0", b'"text"'),
    "bodies: depth": (
        b"[" * 50_000,
        b'{"a":' * 5_000,
        b'{"records":' + b"[" * 40 + b"]" * 40 + b"}",
    ),
    "bodies: NaN and numbers beyond any": (
        b'{"records":[NaN]}',
        b'{"records":[{"hour":1e999}]}',
        b'{"records":[{"hour":1' + b"0" * 4_000 + b"}]}",
    ),
    "bodies: duplicate keys": (b'{"records":[{}],"records":[{}]}',),
    "bodies: too many or too long": (
        b'{"records":[' + b",".join([b"{}"] * 1001) + b"]}",
        b'{"records":[{"' + b"k" * 10_000 + b'":1}]}',
        b'{"pipeline":"' + b"p" * 2_000 + b'"}',
        b"hour\n" + b"1\n" * 2_000,
    ),
    "bodies: unicode": (b'{"records":[{"\\ud800":1}]}', b'{"records":[{"hour":"\\u0000"}]}'),
    "bodies: another shape": (
        b'{"records":{"0":{}}}',
        b'{"__proto__":{"a":1}}',
        b'{"version":"v1","force":true}',
        b'{"name":"x","task":"classification","target":"late","data":{"max_bad":"1e9%"}}',
    ),
    "bodies: tensors that lie": (
        b'{"inputs":[{"name":"hour","shape":[-1],"datatype":"INT64","data":[1]}]}',
        b'{"inputs":[{"name":"hour","shape":[9223372036854775807],"datatype":"INT64","data":[1]}]}',
        b'{"inputs":[{"name":"hour","shape":[1,1,1],"datatype":"INT64","data":[[[1]]]}]}',
    ),
    "bodies: CSV": (b"a,b\n1\n", b'a,"b\n'),
    "bodies: gzip and XML": (
        b"\x1f\x8b\x08\x00bomb",
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    ),
}
TYPES: dict[str, tuple[str, ...]] = {
    "content types: known ones, where others are due": (
        "application/json",
        "text/csv",
        "application/x-ndjson",
    ),
    "content types: unknown": (
        "application/json; charset=utf-16",
        "application/xml",
        "multipart/form-data",
        "application/octet-stream",
        "x" * 200,
        "",
    ),
}
HEADERS: dict[str, tuple[dict[str, str], ...]] = {
    "headers: what is accepted": (
        {"Accept": "image/png"},
        {"Accept": "text/csv;q=2, */*;q=-1"},
        {"Accept": "," * 500},
    ),
    "headers: conditions and keys": (
        {"If-Match": '"not a revision"'},
        {"If-None-Match": "*"},
        {"Idempotency-Key": "k" * 300},
        {"Idempotency-Key": "\t"},
    ),
    "headers: who asks, forged": (
        {"X-Forwarded-For": "127.0.0.1, ::1"},
        {"X-Headrace-Origin": "guessed"},
        {"Authorization": "Bearer hr_" + "a" * 43},
        {"Authorization": "Basic eDp5"},
    ),
    "headers: another method, encoding or range": (
        {"X-HTTP-Method-Override": "DELETE"},
        {"Content-Encoding": "gzip"},
        {"Range": "bytes=0-1"},
        {"Inference-Header-Content-Length": "12"},
    ),
}
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
