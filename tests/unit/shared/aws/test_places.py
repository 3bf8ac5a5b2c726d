"""Where our own client sends requests, and in whose name."""

import botocore.session
import pytest

from shared.aws import credentials, endpoints
from shared.aws.endpoints import Endpoint, endpoint_of
from shared.errors import Unavailable
from shared.objects.rest import address
from shared.settings import ConfigurationError

LOCAL = "http://127.0.0.1:4566"


def origin(place: endpoints.Place, **environ: str) -> str:
    return endpoint_of(place, {"AWS_REGION": "eu-west-1", **environ}).origin


@pytest.mark.parametrize(
    ("place", "service"),
    [
        (endpoints.S3, "s3"),
        (endpoints.DYNAMODB, "dynamodb"),
        (endpoints.EVENT_BRIDGE, "events"),
        (endpoints.SECRETS_MANAGER, "secretsmanager"),
        (endpoints.SAGEMAKER_RUNTIME, "sagemaker-runtime"),
    ],
)
def test_on_aws_the_hosts_and_names_are_botocores(
    monkeypatch: pytest.MonkeyPatch, place: endpoints.Place, service: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    client = botocore.session.Session().create_client(
        service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    assert origin(place) == client.meta.endpoint_url
    assert place.signing_name == client.meta.service_model.signing_name
    name = client.meta.service_model.service_id.hyphenize().replace("-", "_").upper()
    assert place.variable == name


def test_the_environment_names_one_address_for_all_and_others_for_one() -> None:
    environ = {"AWS_ENDPOINT_URL": LOCAL, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000/"}
    assert origin(endpoints.DYNAMODB, **environ) == LOCAL
    assert origin(endpoints.S3, **environ) == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4566", "ftp://x", "http://x/path", "http://user:word@x", "http://"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="host"):
        origin(endpoints.S3, AWS_ENDPOINT_URL=url)


def test_without_a_region_nothing_is_guessed() -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        endpoint_of(endpoints.S3, {})


def s3_at(origin: str, *, is_aws: bool) -> Endpoint:
    return Endpoint(origin=origin, region="eu-west-1", signing_name="s3", is_aws=is_aws)


@pytest.mark.parametrize(
    ("bucket", "is_aws", "where"),
    [
        ("data", True, ("https://data.s3.aws", "/a//b%20%2B%C3%BC/~~")),
        # The certificate is for one label before the host.
        ("da.ta", True, ("https://s3.aws", "/da.ta/a//b%20%2B%C3%BC/~~")),
        ("data", False, ("https://s3.aws", "/data/a//b%20%2B%C3%BC/~~")),
    ],
)
def test_a_bucket_is_in_the_host_on_aws_and_in_the_path_elsewhere(
    bucket: str, is_aws: bool, where: tuple[str, str]
) -> None:
    assert address(s3_at("https://s3.aws", is_aws=is_aws), bucket, "a//b +ü/~~") == where


def test_lambdas_own_variables_are_the_credentials() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    found = credentials.of_process(environ)
    assert (found.key_id, found.secret_key, found.session_token) == ("a", "b", "c")


class Chain:
    """A botocore session that finds these keys, or none."""

    def __init__(self, keys: object) -> None:
        self.keys = keys

    def get_credentials(self) -> object:
        return self.keys


def test_without_them_botocores_chain_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain's credentials are renewed while a process lives."""
    keys = [botocore.credentials.Credentials(name, "secret", "token") for name in ("first", "second")]
    chain = Chain(keys[0])
    monkeypatch.setattr(credentials, "_chain", lambda: chain)
    assert credentials.of_process({}).key_id == "first"
    chain.keys = keys[1]
    assert credentials.of_process({"AWS_ACCESS_KEY_ID": "half of a pair"}).key_id == "second"


def test_nobodys_request_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_chain", lambda: Chain(None))
    with pytest.raises(Unavailable, match="no AWS credentials"):
        credentials.of_process({})
