"""What `deploy --plan` says is what a deployment makes."""

import json
from pathlib import Path

import pytest

from infra.planning.plan import Plan, chosen, hardened_services, make_plan, write_templates
from infra.removal.table import inventory
from tests.integration.infra.conftest import Deployed

# How the plan calls what the inventory finds.
KINDS = {
    "function": "AWS::Lambda::Function",
    "log group": "AWS::Logs::LogGroup",
    "table": "AWS::DynamoDB::Table",
    "bucket": "AWS::S3::Bucket",
    "queue": "AWS::SQS::Queue",
    "topic": "AWS::SNS::Topic",
    "secret": "AWS::SecretsManager::Secret",
    "key alias": "AWS::KMS::Alias",
    "alarm": "AWS::CloudWatch::Alarm",
    "dashboard": "AWS::CloudWatch::Dashboard",
    "rule": "AWS::Events::Rule",
}


@pytest.fixture(scope="module")
def plan(deployed: Deployed) -> Plan:
    return make_plan(chosen(deployed.stage), root=deployed.root)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_names_exactly_what_is_there_after_deploying(
    deployed: Deployed, plan: Plan, kind: str
) -> None:
    planned = {one.name.partition(" ")[0] for one in plan.resources if one.type == KINDS[kind]}
    there = {
        one.name.rpartition(":")[2].removesuffix("/") for one in inventory(deployed.stage) if one.kind == kind
    }
    there = {name.rpartition("/")[2] if kind == "queue" else name for name in there}
    assert planned == there


def test_the_plan_names_every_role(deployed: Deployed, plan: Plan) -> None:
    planned = {one.name for one in plan.resources if one.type == "AWS::IAM::Role"}
    kinds = {"function role", "SageMaker role"}
    assert planned == {one.name for one in inventory(deployed.stage) if one.kind in kinds}


def test_the_plan_shows_what_each_role_may_do(deployed: Deployed, plan: Plan) -> None:
    iam = deployed.stage.client("iam")
    for role in {one.on for one in plan.statements if one.on.startswith("headrace-ingest-local-")}:
        really = set()
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                really |= set(actions if isinstance(actions, list) else [actions])
        shown = {action for one in plan.statements if one.on == role for action in one.actions}
        assert shown - {"sts:AssumeRole"} == really, role


def test_chalice_package_merges_what_the_plan_writes_into_the_template_that_was_judged(
    deployed: Deployed, tmp_path: Path
) -> None:
    write_templates(chosen(deployed.stage), deployed.root, tmp_path)
    judged = hardened_services(chosen(deployed.stage), deployed.root)["inference"]
    merge = ["--merge-template", str(tmp_path / "inference.merge.json"), str(tmp_path / "out")]
    deployed.chalice("inference", "package", "--stage", "local", *merge)
    packaged = json.loads((tmp_path / "out" / "sam.json").read_text())["Resources"]
    for name, resource in packaged.items():
        for key in ("CodeUri", "Environment"):  # the package's place, and what only a deployment knows
            resource["Properties"].pop(key, None)
            judged["Resources"][name]["Properties"].pop(key, None)
    assert packaged == judged["Resources"]


def test_planning_writes_nothing_into_the_checkout(deployed: Deployed) -> None:
    def snapshot() -> dict[Path, float]:
        files = (path for path in deployed.root.rglob("*") if path.is_file())
        return {path: path.stat().st_mtime for path in files if ".headrace" not in path.parts}

    before = snapshot()
    make_plan(chosen(deployed.stage), root=deployed.root)
    assert snapshot() == before
