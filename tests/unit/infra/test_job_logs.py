"""SageMaker's logs expire where they are ours, and nowhere else."""

from typing import Any

import pytest

from infra import deploy as deploying
from infra import job_logs, log_groups
from infra import stage as stages
from infra.calls import send
from infra.stage import Stage
from tests.aws_calls import Noted, Recorder, as_method, operations_in

DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
TRAINING = "/aws/sagemaker/TrainingJobs"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
ENDPOINT = "/aws/sagemaker/Endpoints/headrace-dev-flights-v1"


def changes(monkeypatch: pytest.MonkeyPatch, *there: dict[str, Any], own_key: str = "") -> list[Noted]:
    """Return the calls that change something in an account with these log groups."""

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        prefix = request["logGroupNamePrefix"]
        return {"logGroups": [group for group in there if group["logGroupName"].startswith(prefix)]}

    recorder = Recorder({"DescribeLogGroups": listed})
    monkeypatch.setattr(stages, "_client", recorder.client)
    send(DEV, [*job_logs.make_groups(DEV, own_key), *job_logs.expire_endpoints(DEV, own_key)])
    assert [one.wrong for one in recorder.notes if one.wrong] == []
    return [one for one in recorder.notes if one.changes]


def retained(calls: list[Noted]) -> dict[str, int]:
    return {
        one.request["logGroupName"]: one.request["retentionInDays"]
        for one in calls
        if one.operation == "PutRetentionPolicy"
    }


def test_groups_of_jobs_are_there_with_a_retention_before_the_first_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = changes(monkeypatch)
    assert [one.operation for one in calls] == ["CreateLogGroup", "PutRetentionPolicy"] * 3
    assert retained(calls) == dict.fromkeys(job_logs.JOB_GROUPS, 30)
    under_a_key = changes(monkeypatch, {"logGroupName": ENDPOINT}, own_key=KEY)
    assert {as_method(one.operation) for one in under_a_key} == operations_in([job_logs, log_groups])


def test_what_is_ours_of_sagemakers_logs_is_under_the_stages_own_key_where_it_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyed = {"logGroupName": f"{ENDPOINT}0", "kmsKeyId": KEY, "retentionInDays": 30}
    theirs = {"logGroupName": TRAINING}
    calls = changes(monkeypatch, theirs, {"logGroupName": ENDPOINT}, keyed, own_key=KEY)
    under = {one.request["logGroupName"] for one in calls if one.request.get("kmsKeyId") == KEY}
    assert under == {ENDPOINT, *job_logs.JOB_GROUPS} - {TRAINING}
    assert [one for one in changes(monkeypatch, keyed) if "kmsKeyId" in one.request] == []


def test_a_group_that_all_jobs_of_the_account_share_is_left_as_its_owner_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = changes(monkeypatch, {"logGroupName": TRAINING})
    assert TRAINING not in {one.request["logGroupName"] for one in calls}


def test_a_group_of_a_similar_name_does_not_stand_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TRAINING in retained(changes(monkeypatch, {"logGroupName": f"{TRAINING}OfMine"}))


def test_the_logs_of_the_stages_endpoints_expire_and_those_of_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = "/aws/sagemaker/Endpoints/headrace-prod-flights-v1"
    kept = {"logGroupName": f"{ENDPOINT}0", "retentionInDays": 30}
    calls = changes(monkeypatch, {"logGroupName": ENDPOINT}, {"logGroupName": other}, kept)
    assert retained(calls).keys() - job_logs.JOB_GROUPS == {ENDPOINT}


def test_logs_of_endpoints_made_since_are_no_change_of_the_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = [{"logGroupName": ENDPOINT}]
    recorder = Recorder({"DescribeLogGroups": lambda _: {"logGroups": groups}})
    monkeypatch.setattr(stages, "_client", recorder.client)
    monkeypatch.setattr(deploying, "harden", lambda *_: [])
    monkeypatch.setattr(job_logs, "make_groups", lambda *_: [])
    _, detail, is_changed = deploying._harden(DEV, {}, {})
    assert (detail, is_changed) == ("all in place", False)
    assert retained(recorder.notes) == {ENDPOINT: 30}
