"""AWS Signature Version 4: who asks for what, proven by a secret that is never sent.

IAM user guide, "Create a signed AWS API request". Requests are signed whole: every header given is part of it.
"""

import functools
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from shared.aws.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
Query = Iterable[tuple[str, str]]


class Scope(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Where and when a signature holds; its texts are made once, since a signature names them five times."""

    service: str
    region: str
    at: datetime

    @functools.cached_property
    def time(self) -> str:
        """The moment, as ``20260131T235959Z``."""
        return self.at.strftime("%Y%m%dT%H%M%SZ")

    @functools.cached_property
    def name(self) -> str:
        """The scope as the credential names it."""
        return f"{self.time[:8]}/{self.region}/{self.service}/aws4_request"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: ``path`` and ``query`` as they go on the wire, ``headers`` with lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    payload_sha256: str


def sign_headers(asked: Asked, credentials: Credentials, scope: Scope) -> dict[str, str]:
    """Return the headers of *asked* with those that prove it."""
    headers = {**asked.headers, "x-amz-date": scope.time}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    if scope.service == "s3":
        # Only S3 demands it, and compares it with the bytes that arrive.
        headers["x-amz-content-sha256"] = asked.payload_sha256
    proof = _signature(msgspec.structs.replace(asked, headers=headers), credentials, scope)
    return headers | {
        "authorization": f"{ALGORITHM} Credential={credentials.key_id}/{scope.name}, "
        f"SignedHeaders={_signed_names(headers)}, Signature={proof}"
    }


def sign_query(asked: Asked, credentials: Credentials, scope: Scope, *, expires_s: int) -> str:
    """Return the query string under which anyone may send *asked* until *expires_s* from now."""
    proofs = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.key_id}/{scope.name}",
        "X-Amz-Date": scope.time,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": _signed_names(asked.headers),
    }
    if credentials.session_token:
        proofs["X-Amz-Security-Token"] = credentials.session_token
    query = "&".join(filter(None, (asked.query, query_string(proofs.items()))))
    proof = _signature(msgspec.structs.replace(asked, query=query), credentials, scope)
    return f"{query}&X-Amz-Signature={proof}"


def sign_text(text: str, credentials: Credentials, scope: Scope) -> str:
    """Return the signature of *text* itself, in hex: what a POST form's policy needs."""
    key = _signing_key(credentials.secret_key, scope.time[:8], scope.region, scope.service)
    return _hmac(key, text).hex()


def query_string(pairs: Query) -> str:
    """Return *pairs* as they go on the wire, and into the signature once they are sorted."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(text, safe='-_.~')}" for name, text in pairs)


def quote_path(path: str) -> str:
    """Return plain text as a path; slashes stay, and so do repeated ones: S3's keys may have them."""
    return quote(path, safe="/~")


def _signature(asked: Asked, credentials: Credentials, scope: Scope) -> str:
    digest = hashlib.sha256(_canonical(asked, scope.service).encode()).hexdigest()
    return sign_text(f"{ALGORITHM}\n{scope.time}\n{scope.name}\n{digest}", credentials, scope)


def _canonical(asked: Asked, service: str) -> str:
    # S3 takes the path as it is sent; all others quote it once more (and would mend "//" and "..", which their
    # paths do not have).
    path = asked.path if service == "s3" else quote_path(asked.path)
    # By name and value, not as whole text: "a-b=" sorts before "a=" there.
    pairs = sorted(pair.partition("=")[::2] for pair in asked.query.split("&") if pair)
    query = "&".join(f"{name}={text}" for name, text in pairs)
    headers = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in sorted(asked.headers))
    names = _signed_names(asked.headers)
    return f"{asked.method}\n{path}\n{query}\n{headers}\n{names}\n{asked.payload_sha256}"


def _signed_names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


@functools.lru_cache(maxsize=16)
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """Return the key of one day, region and service; four hashes that each request would pay again."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
