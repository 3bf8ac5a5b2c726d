import boto3
import pytest

from infra.errors import DeployError, InvalidStage
from infra.stage import Stage
from infra.values import training_image_uri


@pytest.mark.parametrize("name", ["", "p", "Prod", "prod1", "toolongname", "a-b", "dev\n"])
def test_a_name_that_would_not_fit_into_resource_names_is_refused(name: str) -> None:
    with pytest.raises(InvalidStage, match="two to eight small letters"):
        Stage(name=name, region="us-east-1", account="111122223333")


@pytest.mark.parametrize("name", ["ingest", "training"])
def test_a_name_that_is_a_services_is_refused_since_their_resources_would_be_mistaken(name: str) -> None:
    with pytest.raises(InvalidStage, match="a service is called so"):
        Stage(name=name, region="us-east-1", account="111122223333")


def test_only_prod_gets_what_costs_or_hinders() -> None:
    assert Stage(name="prod", region="us-east-1", account="1").is_prod
    assert not Stage(name="dev", region="us-east-1", account="1").is_prod


def test_the_local_stage_never_uses_the_callers_own_credentials() -> None:
    variables = Stage.local("http://127.0.0.1:4577/").environment()
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4577"
    assert variables["AWS_ACCESS_KEY_ID"] == "test"


def test_a_stage_on_aws_leaves_credentials_and_endpoints_to_the_caller() -> None:
    variables = Stage(name="dev", region="eu-west-1", account="111122223333").environment()
    assert variables == {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}


def test_a_profile_or_session_token_of_aws_never_reaches_the_local_cloud() -> None:
    base = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "t", "PATH": "/bin"}
    local = Stage.local("http://127.0.0.1:4577").environment(base)
    assert local["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & local.keys()
    assert Stage(name="dev", region="eu-west-1", account="1").environment(base)["AWS_PROFILE"] == "work"


def test_a_stage_on_aws_is_not_sought_in_the_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4577")
    with pytest.raises(InvalidStage, match="unset it"):
        Stage.of("dev")


def test_the_name_of_the_local_stage_is_refused_on_aws() -> None:
    with pytest.raises(InvalidStage, match="local cloud"):
        Stage.of("local")


def test_each_region_has_its_own_image_and_an_unknown_one_is_an_error() -> None:
    assert training_image_uri("us-east-1").startswith("683313688378.dkr.ecr.us-east-1.amazonaws.com/")
    assert training_image_uri("eu-west-1").startswith("141502667606.dkr.ecr.eu-west-1.amazonaws.com/")
    with pytest.raises(DeployError, match="xx-north-9"):
        training_image_uri("xx-north-9")


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
def test_a_partition_without_the_edge_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, partition: str
) -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": f"arn:{partition}:iam::111122223333:user/operator", "Account": "111122223333"}

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: Sts())
    with pytest.raises(InvalidStage, match=partition):
        Stage.of("dev")


def test_the_region_may_be_told_as_other_sdks_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": "arn:aws:iam::111122223333:user/operator", "Account": "111122223333"}

    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: Sts())
    assert Stage.of("dev").region == "eu-central-1"
