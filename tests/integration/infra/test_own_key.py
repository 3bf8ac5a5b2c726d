"""A stage under a key of one's own, with access logs: deployed, deployed again, and removed, on a local cloud of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import harden, job_logs, own_key
from infra.choices import Choices
from infra.deploy import Step, deploy, find_deployment
from infra.destroy import destroy
from infra.errors import InvalidKey
from infra.harden import is_hardened
from infra.stage import Stage
from tests.aws_calls import Noted, as_method, operations_in
from tests.clouds import running_cloud
from tests.integration.infra.conftest import small_checkout

LOGS = "somebodys-access-logs"


class Keyed:
    """A stage that was first deployed without a key, and then with one."""

    def __init__(self, stage: Stage, root: Path) -> None:
        self.stage, self.root = stage, root
        self.key = stage.client("kms").create_key()["KeyMetadata"]["Arn"]
        stage.client("s3").create_bucket(Bucket=LOGS)
        self.deploy()
        self.first = self.deploy(own_key=self.key, access_logs=LOGS)

    def deploy(self, **chosen: Any) -> dict[str, Step]:
        steps: list[Step] = []
        deploy(self.stage, root=self.root, on_step=steps.append, choices=Choices(**chosen))
        return {step.name: step for step in steps}

    @property
    def outputs(self) -> dict[str, str]:
        return find_deployment(self.stage) or {}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, noted: list[Noted]) -> Iterator[Keyed]:
    root = small_checkout(tmp_path_factory.mktemp("checkout"))
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield Keyed(Stage.local(cloud.url), root)


def test_whatever_is_kept_is_under_the_key(keyed: Keyed) -> None:
    stage, outputs = keyed.stage, keyed.outputs
    used: dict[str, set[str | None]] = {}
    for name in (outputs[one] for one in outputs if one.endswith("Table")):
        table = stage.client("dynamodb").describe_table(TableName=name)["Table"]
        used.setdefault("table", set()).add(table["SSEDescription"].get("KMSMasterKeyArn"))
    for name in ("origin", "input-hash"):
        secret = stage.client("secretsmanager").describe_secret(SecretId=f"headrace-local-{name}")
        used.setdefault("secret", set()).add(secret.get("KmsKeyId"))
    for service in ("ingest", "training", "inference"):
        sqs, queue = stage.client("sqs"), f"headrace-local-{service}-dead-letters"
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        used.setdefault("queue", set()).add(found.get("KmsMasterKeyId"))
    for group in stage.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/headrace-")[
        "logGroups"
    ]:
        used.setdefault("log group", set()).add(group.get("kmsKeyId"))
    for function in stage.client("lambda").list_functions()["Functions"]:
        used.setdefault("environment", set()).add(function.get("KMSKeyArn"))
    kinds = ("table", "secret", "queue", "log group", "environment")
    assert used == {kind: {keyed.key} for kind in kinds}


def test_lambda_may_send_under_the_key_what_failed(keyed: Keyed) -> None:
    iam = keyed.stage.client("iam")
    role = {"RoleName": "headrace-ingest-local-on_fact", "PolicyName": harden.ROLE_POLICY}
    _, *of_key = iam.get_role_policy(**role)["PolicyDocument"]["Statement"]
    assert [one["Action"] for one in of_key] == [["kms:Decrypt"], ["kms:GenerateDataKey"]]
    through = {"StringEquals": {"kms:ViaService": ["sqs.us-east-1.amazonaws.com"]}}
    assert all((one["Resource"], one["Condition"]) == ([keyed.key], through) for one in of_key)


def test_the_edge_logs_each_access_where_it_was_asked_to(keyed: Keyed) -> None:
    distribution = keyed.outputs["DistributionId"]
    front = keyed.stage.client("cloudfront").get_distribution_config(Id=distribution)
    logging = front["DistributionConfig"]["Logging"]
    assert (logging["Enabled"], logging["Bucket"]) == (True, f"{LOGS}.s3.amazonaws.com")


def test_deploying_again_keeps_the_choices_and_changes_nothing(keyed: Keyed) -> None:
    assert {name for name, step in keyed.deploy().items() if step.changed} == set()
    assert is_hardened(keyed.stage, keyed.outputs)


def test_a_log_that_lost_the_key_makes_the_stage_not_hardened(keyed: Keyed) -> None:
    group = "/aws/lambda/headrace-ingest-local"
    keyed.stage.client("logs").delete_log_group(logGroupName=group)
    keyed.stage.client("logs").create_log_group(logGroupName=group)
    assert not is_hardened(keyed.stage, keyed.outputs)
    keyed.deploy()
    assert is_hardened(keyed.stage, keyed.outputs)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("", "what is stored stays so"),
        ("arn:aws:kms:us-east-1:000000000000:key/another", "what is stored stays so"),
    ],
)
def test_no_other_key_takes_its_place(keyed: Keyed, wanted: str, why: str) -> None:
    with pytest.raises(InvalidKey, match=why):
        keyed.deploy(own_key=wanted)


def test_a_key_that_is_not_there_or_cannot_encrypt_is_refused_before_anything_is_made(keyed: Keyed) -> None:
    kms = keyed.stage.client("kms")
    signs = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    with pytest.raises(InvalidKey, match="KeyUsage is SIGN_VERIFY, not ENCRYPT_DECRYPT"):
        own_key.check_key(keyed.stage, signs)
    with pytest.raises(InvalidKey, match="nowhere"):
        own_key.check_key(keyed.stage, "arn:aws:kms:us-east-1:000000000000:key/nowhere")
    own_key.check_key(keyed.stage, keyed.key)


def test_every_call_that_a_key_adds_was_made_and_fits_the_services_own_model(
    keyed: Keyed, noted: list[Noted]
) -> None:
    named = [one for one in noted if keyed.key in json.dumps(one.request, default=str)]
    assert operations_in([harden, job_logs]) <= {as_method(one.operation) for one in noted}
    assert {one.operation for one in named} >= {
        *("DescribeKey", "UpdateStack", "AssociateKmsKey", "UpdateFunctionConfiguration", "PutRolePolicy"),
    }
    assert [(one.operation, one.wrong) for one in named if one.wrong] == []


def test_removing_the_stage_with_its_data_leaves_the_key_and_the_logs_to_their_owner(keyed: Keyed) -> None:
    removal = destroy(keyed.stage, root=keyed.root, with_data=True, on_step=lambda _: None)
    assert removal.left == []
    state = keyed.stage.client("kms").describe_key(KeyId=keyed.key)["KeyMetadata"]["KeyState"]
    assert state == "Enabled"
    keyed.stage.client("s3").head_bucket(Bucket=LOGS)
