"""Our signatures are botocore's own, whatever a request holds."""

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.aws.credentials import Credentials
from shared.aws.signing import (
    UNSIGNED,
    Asked,
    Scope,
    query_string,
    quote_path,
    sign_headers,
    sign_query,
    sign_text,
)

AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
HOST = "headrace.s3.eu-west-1.amazonaws.com"

# Everything that ever was read in two ways: spaces, plus, percent, dots, doubled slashes, unicode.
TEXTS = st.text(st.sampled_from("aZ09 +%&=/?#~!'()*.-_:;@$,ü中\U0001f40e"), max_size=12)
KEYS = TEXTS | st.sampled_from(["a//b", "/a", "a/./b", "../a", "a/", "a b+c%20.csv"])
QUERIES = st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "x-amz-target", "x-amz-checksum-sha256", "if-match", "range", "x-amz-tagging"]
    ),
    st.text(st.sampled_from('ab "=/;,*09'), min_size=1, max_size=12).filter(str.strip),
)
WHO = st.builds(
    Credentials,
    key_id=st.just("AKIDEXAMPLE"),
    secret_key=st.text(st.sampled_from("aB0/+="), min_size=1, max_size=40),
    session_token=st.sampled_from(["", "FwoGZXIvYXdzE//+token=="]),
)


@pytest.fixture(autouse=True, scope="module")
def _still_clock():
    """botocore signs with the time of now; hold it at AT."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: AT.replace(tzinfo=None))
        yield


def asked_for(method: str, key: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> Asked:
    return Asked(
        method=method,
        path=f"/{quote_path(key)}",
        query=query_string(query.items()),
        headers={**headers, "host": HOST},
        payload_sha256=hashlib.sha256(body).hexdigest(),
    )


def theirs(asked: Asked, body: bytes) -> AWSRequest:
    query = f"?{asked.query}" if asked.query else ""
    headers = {name: text for name, text in asked.headers.items() if name != "host"}
    return AWSRequest(
        method=asked.method, url=f"https://{HOST}{asked.path}{query}", headers=headers, data=body
    )


def keys_of(who: Credentials) -> botocore.credentials.Credentials:
    return botocore.credentials.Credentials(who.key_id, who.secret_key, who.session_token or None)


@settings(max_examples=300)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    key=KEYS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=20),
    who=WHO,
    service=st.sampled_from(["s3", "dynamodb", "events", "sagemaker"]),
)
def test_headers_are_signed_as_botocore_signs_them(method, key, query, headers, body, who, service):
    # Others than S3 would normalise such paths; theirs are ours to choose, and have no such segments.
    assume(
        service == "s3"
        or not {"", ".", ".."} & set(key.split("/")[:-1]) | {key.rpartition("/")[2]} & {".", ".."}
    )
    asked = asked_for(method, key, query, headers, body)
    scope = Scope(service=service, region="eu-west-1", at=AT)
    signed = sign_headers(asked, who, scope)
    request = theirs(asked, body)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    request.context["payload_signing_enabled"] = True
    signer(keys_of(who), service, "eu-west-1").add_auth(request)
    expected = {name.lower(): text for name, text in request.headers.items()}
    assert {name: text for name, text in signed.items() if name != "host"} == expected


@settings(max_examples=200)
@given(
    key=KEYS, query=QUERIES, who=WHO, expires_s=st.integers(1, 604800), checksum=st.sampled_from(["", "x+/="])
)
def test_addresses_are_signed_as_botocore_signs_them(key, query, who, expires_s, checksum):
    headers = {"x-amz-checksum-sha256": checksum} if checksum else {}
    asked = asked_for("PUT", key, query, headers, b"")
    asked = Asked(
        method="PUT", path=asked.path, query=asked.query, headers=asked.headers, payload_sha256=UNSIGNED
    )
    ours = sign_query(asked, who, Scope(service="s3", region="eu-west-1", at=AT), expires_s=expires_s)
    request = theirs(asked, b"")
    botocore.auth.S3SigV4QueryAuth(keys_of(who), "s3", "eu-west-1", expires=expires_s).add_auth(request)
    assert parse_qs(ours, keep_blank_values=True) == parse_qs(
        urlsplit(request.url).query, keep_blank_values=True
    )


@given(text=st.text(max_size=30), who=WHO)
def test_a_text_is_signed_as_botocore_signs_a_policy(text, who):
    scope = Scope(service="s3", region="eu-west-1", at=AT)
    auth = botocore.auth.SigV4Auth(keys_of(who), "s3", "eu-west-1")
    request = AWSRequest()
    request.context["timestamp"] = scope.time
    assert sign_text(text, who, scope) == auth.signature(text, request)


def test_no_secret_shows_in_what_is_printed_of_credentials():
    who = Credentials(key_id="AKID", secret_key="hidden-key", session_token="hidden-token")
    assert "hidden" not in f"{who} {who!r} {[who]}"
