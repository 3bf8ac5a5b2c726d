"""What a stage is made of under a key of one's own, and with access logs: filled-in templates, of ours and of the services."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.choices import AS_BEFORE, Choices
from infra.planning.plan import chosen, hardened_services, make_plan, stack_resources
from infra.services import SERVICES
from infra.stage import Stage
from tests.infra import rules

ROOT = rules.INFRA.parent
DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
ON = Choices(own_key=KEY, access_logs="access-logs")
# Where each type says which key it is encrypted with.
SAYS = {
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::Serverless::Function": "KmsKeyArn",
}
Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def everything() -> dict[str, Resources]:
    """All resources under the key by where they are made."""
    services = hardened_services(chosen(DEV, ON), ROOT)
    made = {name: template["Resources"] for name, template in services.items()}
    return {**made, **{name: dict(resources) for name, resources in stack_resources(chosen(DEV, ON)).items()}}


def under_no_key(everything: dict[str, Resources]) -> Iterator[str]:
    for resources in everything.values():
        for name, resource in resources.items():
            place = SAYS.get(resource["Type"])
            if place and KEY not in json.dumps(resource["Properties"].get(place, "")):
                yield name


def test_everything_that_is_kept_is_under_the_key_but_the_public_site(
    everything: dict[str, Resources],
) -> None:
    assert {resource["Type"] for made in everything.values() for resource in made.values()} >= SAYS.keys()
    assert list(under_no_key(everything)) == ["SiteBucket"]


def test_each_stands_on_the_key_that_is_chosen_and_on_nothing_else(everything: dict[str, Resources]) -> None:
    foundation = everything["foundation"]
    (rule,) = foundation["DataBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert (rule["BucketKeyEnabled"], rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]) == (
        True,
        "aws:kms",
    )
    assert foundation["JobsTable"]["Properties"]["SSESpecification"]["SSEType"] == "KMS"
    # SQS refuses both.
    assert foundation["IngestDeadLetters"]["Properties"]["SqsManagedSseEnabled"] is False


def test_by_default_there_is_no_trace_of_it() -> None:
    off = chosen(DEV, AS_BEFORE)
    made = json.dumps([stack_resources(off), hardened_services(off, ROOT)])
    assert '"aws:kms"' not in made
    assert not [one for one in ("KmsMasterKeyId", "KmsKeyId", "KmsKeyArn", "kms:Decrypt") if one in made]
    assert "LoggingConfiguration" not in made


def _allowed(role: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in role["Properties"]["Policies"]:
        for statement in one["PolicyDocument"]["Statement"]:
            for action in rules.as_list(statement["Action"]):
                yield action, statement


@pytest.mark.parametrize("service", SERVICES)
def test_each_function_may_use_the_key_through_what_it_calls_and_no_other_way(
    everything: dict[str, Resources], service: str
) -> None:
    roles = {name: one for name, one in everything[service].items() if one["Type"] == "AWS::IAM::Role"}
    for name, role in roles.items():
        granted = list(_allowed(role))
        called = {action.partition(":")[0] for action, _ in granted} & {"dynamodb", "secretsmanager", "sqs"}
        called |= {"s3"} if {"s3:GetObject", "s3:PutObject"} & {action for action, _ in granted} else set()
        of_key = [(action, one) for action, one in granted if one["Resource"] == [KEY]]
        assert {action for action, _ in of_key} <= {"kms:Decrypt", "kms:GenerateDataKey"}, name
        through = {
            via.partition(".")[0]
            for _, one in of_key
            for via in one["Condition"]["StringEquals"]["kms:ViaService"]
        }
        assert through == called, name


def test_jobs_may_use_the_key_in_buckets_alone(everything: dict[str, Resources]) -> None:
    for role in ("SagemakerRole", "IngestJobRole", "BatchRole"):
        of_key = [
            one for action, one in _allowed(everything["foundation"][role]) if action.startswith("kms:")
        ]
        assert {json.dumps(one["Condition"]) for one in of_key} == {
            '{"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}'
        }
        assert {one["Resource"] for one in of_key} == {KEY}


def test_accesses_are_logged_by_bucket_and_at_the_edge(everything: dict[str, Resources]) -> None:
    foundation = everything["foundation"]
    prefixes = [
        made["Properties"]["LoggingConfiguration"]["LogFilePrefix"]
        for made in foundation.values()
        if made["Type"] == "AWS::S3::Bucket"
    ]
    assert sorted(prefixes) == [f"headrace-dev/{name}/" for name in ("data", "incoming", "models", "site")]
    front = everything["edge"]["Distribution"]["Properties"]["DistributionConfig"]["Logging"]
    assert front == {"Bucket": "access-logs.s3.amazonaws.com", "Prefix": "headrace-dev/"}


def test_the_plan_tells_price_permissions_and_the_policy_that_the_key_needs() -> None:
    with_key, without = (make_plan(chosen(DEV, choices), root=ROOT) for choices in (ON, AS_BEFORE))
    added = {line.what for line in with_key.costs.at_rest} - {line.what for line in without.costs.at_rest}
    assert added == {"key of one's own", "its use by the functions that look around"}
    assert with_key.costs.at_rest_usd - without.costs.at_rest_usd > 1
    assert [one.on for one in with_key.key_policy] == [KEY] * 5
    assert without.key_policy == []
    more = [one for one in with_key.statements if KEY in one.resources]
    assert len(more) >= len({one.on for one in more}) > 20
