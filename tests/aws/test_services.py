"""Functions, rules and APIs are deployed, hardened and within the account's limits."""

from datetime import UTC, datetime, timedelta

import pytest

from infra import log_groups
from infra.harden import is_hardened
from infra.services import SERVICES
from tests.aws.conftest import Deployed

pytestmark = pytest.mark.aws
MIB = 1024 * 1024
# What a first model needs of an account, by the names of Service Quotas; a new account may have 10 and 0.
QUOTAS = {
    "lambda": {"Concurrent executions": 50},
    "sagemaker": {"ml.m5.large for training job usage": 1},
}


def test_dead_letters_retries_throttles_and_error_shapes_are_in_place(deployed: Deployed) -> None:
    assert is_hardened(deployed.place, deployed.outputs)


def test_every_function_runs_python_3_12_from_a_small_package(deployed: Deployed) -> None:
    lambdas = deployed.aws("lambda")
    for name in deployed.functions():
        told = lambdas.get_function_configuration(FunctionName=name)
        assert told["Runtime"] == "python3.12", name
        assert told["CodeSize"] < 50 * MIB, name


def test_every_function_has_a_role_of_its_own(deployed: Deployed) -> None:
    lambdas = deployed.aws("lambda")
    roles = [lambdas.get_function_configuration(FunctionName=name)["Role"] for name in deployed.functions()]
    assert len(set(roles)) == len(roles) > 15


def test_no_role_may_do_what_no_service_does(on_aws: Deployed) -> None:
    iam, lambdas = on_aws.aws("iam"), on_aws.aws("lambda")
    actions = ["iam:CreateUser", "s3:DeleteBucket", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion"]
    for name in on_aws.functions():
        role = lambdas.get_function_configuration(FunctionName=name)["Role"]
        told = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=actions)
        decisions = {one["EvalActionName"]: one["EvalDecision"] for one in told["EvaluationResults"]}
        assert set(decisions.values()) <= {"implicitDeny", "explicitDeny"}, (name, decisions)


def test_logs_expire(deployed: Deployed) -> None:
    logs = deployed.aws("logs")
    for name in deployed.functions():
        group = f"/aws/lambda/{name}"
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        days = {one["logGroupName"]: one.get("retentionInDays") for one in found}
        assert days[group] == log_groups.DAYS


def test_every_rule_is_enabled_and_has_its_function(deployed: Deployed) -> None:
    events = deployed.aws("events")
    for service in SERVICES:
        for rule in deployed.record(service).rules:
            assert events.describe_rule(Name=rule)["State"] == "ENABLED", rule
            (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
            assert target["Arn"].rpartition(":")[2] in deployed.record(service).functions, rule


def test_the_reconcilers_run_each_minute(on_aws: Deployed) -> None:
    cloudwatch, now = on_aws.aws("cloudwatch"), datetime.now(UTC)
    for service in SERVICES:
        told = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "FunctionName", "Value": f"headrace-{service}-{on_aws.place.name}-reconcile"}
            ],
            StartTime=now - timedelta(minutes=15),
            EndTime=now,
            Period=900,
            Statistics=["Sum"],
        )
        assert sum(point["Sum"] for point in told["Datapoints"]) >= 10, service


def test_no_reconciler_has_failed_in_an_hour(on_aws: Deployed) -> None:
    cloudwatch, now = on_aws.aws("cloudwatch"), datetime.now(UTC)
    for service in SERVICES:
        told = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[
                {"Name": "FunctionName", "Value": f"headrace-{service}-{on_aws.place.name}-reconcile"}
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now,
            Period=3600,
            Statistics=["Sum"],
        )
        assert sum(point["Sum"] for point in told["Datapoints"]) == 0, service


def test_the_account_allows_what_a_first_model_needs(on_aws: Deployed) -> None:
    quotas = on_aws.aws("service-quotas")
    for service, needed in QUOTAS.items():
        pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode=service)
        found = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
        short = {name: found.get(name) for name, least in needed.items() if found.get(name, 0) < least}
        assert short == {}, service
