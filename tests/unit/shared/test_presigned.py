"""Where an upload form points to on AWS, and on the local cloud."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.aws import client
from shared.objects import Bucket


def form(monkeypatch: pytest.MonkeyPatch, **environ: str) -> dict[str, Any]:
    """Return a form for a bucket, signed by a client made in this environment."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, **environ}.items():
        monkeypatch.setenv(name, value)
    s3 = client.__wrapped__("s3")
    return Bucket(s3, "headrace-dev-1-incoming").presign_post("incoming/a/b", max_bytes=9, expires_s=60)


def test_a_form_names_the_host_of_the_buckets_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    # The global host answers for a new bucket of another region with a redirect, which a form cannot follow.
    url = form(monkeypatch, AWS_DEFAULT_REGION="eu-west-1")["url"]
    assert urlsplit(url).netloc == "headrace-dev-1-incoming.s3.eu-west-1.amazonaws.com"


def test_on_the_local_cloud_a_form_stays_at_the_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    local = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:4577"}
    assert form(monkeypatch, **local)["url"] == "http://127.0.0.1:4577/headrace-dev-1-incoming"
