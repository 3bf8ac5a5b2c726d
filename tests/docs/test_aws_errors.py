"""Each documented error of each call of an AWS API has one defined outcome, and the page tells it."""

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.aws_errors import deployer_sites
from docs.aws_errors.documented import THROTTLES, Fault
from docs.aws_errors.outcomes import Outcome, outcome_at
from docs.aws_errors.page import Row, rows
from docs.aws_errors.probes import PROBES
from docs.aws_errors.sites import ROOT, Site, find, in_source
from shared.aws import errors as shared_errors
from shared.objects import refusals

# What IAM calls otherwise than the API, what a call needs besides, and what the runtime of a function asks for.
OTHERWISE_NAMED = {
    "dynamodb:ConditionCheckItem",
    "iam:PassRole",
    "lambda:InvokeFunction",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "sagemaker:AddTags",
}
all_rows = functools.cache(rows)


def pairs() -> Iterator[tuple[Row, Fault, Outcome | None]]:
    """Yield every call site with each of its errors."""
    for row in all_rows():
        for fault, outcome in row.outcomes.items():
            yield row, fault, outcome


def wrong(allowed: set[Outcome], *codes: str, also: int = 1000) -> list[str]:
    """Return where a service meets one of *codes*, or a status of *also* and above, with another outcome."""
    return [
        f"{fault.name} at {row.site.place}: {outcome}"
        for row, fault, outcome in pairs()
        if not row.is_of_operator and outcome not in allowed and (fault.code in codes or fault.status >= also)
    ]


def test_every_documented_error_of_every_call_has_an_outcome() -> None:
    undefined = [f"{fault.name} at {row.site.place}" for row, fault, outcome in pairs() if outcome is None]
    assert undefined == []


def test_every_call_site_is_probed_and_every_probe_has_its_call_site() -> None:
    known = {(site.place, site.operation) for site in find()}
    assert {probe for probe in PROBES if not probe[0].startswith("infra.")} == known


def test_a_call_of_the_deployer_whose_errors_somebody_looks_at_is_probed_where_it_is_made() -> None:
    sites = deployer_sites.find()
    looked_at = {
        (site.place, site.operation)
        for site in sites
        if site.done_if is None and site.place in functions_that_look()
    }
    assert looked_at - set(PROBES) == set()
    assert {probe for probe in PROBES if probe[0].startswith("infra.")} <= {
        (site.place, site.operation) for site in sites
    }


def functions_that_look() -> set[str]:
    """Return the functions of the deployer that catch an error of AWS."""
    return {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{function.name}"
        for path in (ROOT / "infra").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for handler in ast.walk(function)
        if (isinstance(handler, ast.ExceptHandler) and "xceptions." in ast.unparse(handler.type or handler))
        or (isinstance(handler, ast.ExceptHandler) and "ClientError" in ast.unparse(handler))
    }


@pytest.mark.parametrize("service", ["ingest", "training", "inference"])
def test_every_call_that_a_role_may_make_is_a_call_site_of_its_own_service(service: str) -> None:
    granted = {
        action
        for policy in ROOT.glob(f"{service}_service/.chalice/templates/policy-*.json")
        for statement in json.loads(policy.read_text(encoding="utf-8"))["Statement"]
        for action in statement["Action"]
    }
    own = {
        site.operation.lower()
        for site in find()
        if site.module.startswith((f"{service}_service.", "shared."))
    }
    unmade = {one for one in granted if one.partition(":")[2].lower() not in own}
    assert granted
    assert unmade - OTHERWISE_NAMED == set()


def test_no_table_names_an_error_that_no_call_can_meet() -> None:
    known = {fault.code for _, fault, _ in pairs()}
    # A HEAD has no body: its status is all it says.
    known |= {str(fault.status) for row, fault, _ in pairs() if row.site.operation == "HeadObject"}
    assert set(shared_errors._ERRORS) - known == set()
    assert set(refusals._ERRORS) - known == set()


def test_throttles_and_failures_of_aws_are_retried_wherever_somebody_waits_for_the_answer() -> None:
    assert wrong({Outcome.RETRY, Outcome.IGNORE}, *THROTTLES, "", also=500) == []


def test_a_missing_permission_is_nobodys_fault_but_the_stages() -> None:
    codes = ("AccessDenied", "AccessDeniedException", "KMSInvalidStateException", "NoSuchBucket")
    head = [one for one in wrong({Outcome.FAIL, Outcome.IGNORE}, *codes) if "Bucket.head" not in one]
    assert head == []


def test_a_full_quota_is_waited_for() -> None:
    assert wrong({Outcome.WAIT}, "ResourceLimitExceeded") == []


def test_a_lost_condition_is_decided_anew() -> None:
    assert wrong({Outcome.DECIDE}, "ConditionalCheckFailedException", "PreconditionFailed") == []


def test_both_ways_in_which_sagemaker_says_that_there_is_none_come_to_the_same() -> None:
    found = {}
    for row in all_rows():
        told = {fault.case or fault.code: outcome for fault, outcome in row.outcomes.items()}
        if {"ResourceNotFound", "it is not there"} <= told.keys():
            found[row.site.place] = (told["ResourceNotFound"], told["it is not there"])
    assert len(found) >= 4
    assert {place for place, (one, other) in found.items() if one is not other} == set()


def test_a_model_that_sagemaker_does_not_see_yet_is_asked_for_again() -> None:
    found = {
        outcome
        for row, fault, outcome in pairs()
        if row.site.operation == "CreateTransformJob" and fault.code == "ResourceNotFound"
    }
    assert found == {Outcome.RETRY}


def test_what_is_gone_already_is_no_error_to_whoever_wants_it_gone() -> None:
    left = [
        row.site.place
        for row, fault, outcome in pairs()
        if row.site.operation.startswith(("Stop", "Delete"))
        and "it is not there" in fault.case
        and outcome is not Outcome.IGNORE
    ]
    assert left == []


def test_a_position_in_a_log_that_cloudwatch_does_not_know_is_the_callers_error() -> None:
    refused = "InvalidParameterException"
    found = {row.site.operation: outcome for row, fault, outcome in pairs() if fault.code == refused}
    assert found["GetLogEvents"] is Outcome.REJECT


def of_operator(*codes: str) -> set[Outcome | None]:
    """Return what a command comes to where it meets one of *codes* at any call."""
    return {outcome for row, fault, outcome in pairs() if row.is_of_operator and fault.code in codes}


def test_a_command_that_cannot_go_on_says_whether_to_log_in_to_ask_for_rights_or_to_run_again() -> None:
    # What only helps to look, a quota or a letter given back, is done without.
    assert of_operator("AccessDenied", "AccessDeniedException") == {Outcome.PERMIT, Outcome.IGNORE}
    assert of_operator("ExpiredToken", "ExpiredTokenException") == {Outcome.LOG_IN, Outcome.IGNORE}
    assert of_operator("ThrottlingException", "InternalFailure", "502") == {Outcome.AGAIN, Outcome.IGNORE}
    assert of_operator("LimitExceeded", "TooManyBuckets") <= {Outcome.RAISE_LIMIT}
    assert of_operator("") == {Outcome.UNREACHABLE, Outcome.IGNORE}


def test_a_removal_takes_what_is_gone_as_removed() -> None:
    gone = re.compile(r"NotFound|NoSuch|Nonexist|DoesNotExist")
    left = [
        f"{fault.name} at {row.site.place}"
        for row, fault, outcome in pairs()
        if row.site.module.startswith("infra.removal.")
        and row.site.operation.startswith(("Abort", "Delete", "Remove", "Schedule", "Stop"))
        and gone.search(fault.code)
        and outcome is not Outcome.IGNORE
    ]
    assert left == []


def test_what_aws_is_not_ready_for_is_asked_again_and_what_is_there_is_done() -> None:
    found = {
        (row.site.operation, fault.code): outcome
        for row, fault, outcome in pairs()
        if row.site.module in {"infra.harden", "infra.log_groups"}
    }
    assert found["PutFunctionEventInvokeConfig", "InvalidParameterValueException"] is Outcome.ASK
    assert found["CreateLogGroup", "ResourceAlreadyExistsException"] is Outcome.IGNORE


def test_a_letter_that_cannot_be_given_back_ends_no_command() -> None:
    found = {outcome for row, _, outcome in pairs() if row.site.operation == "ChangeMessageVisibility"}
    assert found == {Outcome.IGNORE}


def test_a_missing_table_is_not_a_missing_row() -> None:
    site = Site(service="dynamodb", operation="GetItem", module="shared.tables", function="Table.get")
    assert outcome_at(site, Fault(code="ResourceNotFoundException")) is Outcome.RETRY


def test_an_error_that_nobody_has_foreseen_has_no_outcome() -> None:
    site = Site(service="kms", operation="Sign", module="shared.signing", function="SigningKey.sign")
    assert outcome_at(site, Fault(code="NobodyKnowsThisException")) is None


SPELLINGS = {
    'self._dynamodb.call("GetItem", {})': {"GetItem"},
    'calls.send("CopyObject", document, "k")': {"CopyObject"},
    'Call(method="POST", path=f"/endpoints/{name}/invocations")': {"InvokeEndpoint"},
    "self._client.create_training_job(**request)": {"CreateTrainingJob"},
    "replace(client.create_model, client.delete_model)": {"CreateModel", "DeleteModel"},
    'client.get_paginator("list_models").paginate()': {"ListModels"},
    "self._client().invoke()": {"Invoke"},
    "self._table.get()": set(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_call_is_found_however_it_is_spelled(spelling: str) -> None:
    found = in_source(f"class A:\n    def f(self):\n        return {spelling}\n", "m")
    assert {site.operation for site in found} == SPELLINGS[spelling]
    assert {site.place for site in found} <= {"m.A.f"}


PLANNED = """
_GONE = ("Gone", "Away")
_WHERE = {"service": "wafv2", "region": "us-east-1"}
remove_topic = removed_by("sns", "delete_topic", "TopicArn", *_GONE)


def plan(stage, gateway):
    s3, cloudformation = stage.client("s3"), stage.client("cloudformation", "us-east-1")
    s3.head_object()
    pages(s3, "list_objects_v2")
    cloudformation.get_waiter("table_exists")
    gateway.get_rest_api()
    stage.client("dynamodb").get_waiter("table_exists").wait()
    Call(what="w", service="iam", operation="delete_role", request={}, done_if=("NoSuchEntity",))
    Call(what="w", **_WHERE, operation="delete_web_acl", request={}, done_if=_GONE)
"""


def test_calls_of_the_deployer_are_found_made_or_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployer_sites, "ROOT", tmp_path)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "a.py").write_text(PLANNED)
    assert {(site.service, site.operation, site.done_if) for site in deployer_sites.find()} == {
        ("s3", "HeadObject", None),
        ("s3", "ListObjectsV2", None),
        ("apigateway", "GetRestApi", None),
        ("dynamodb", "DescribeTable", None),
        ("iam", "DeleteRole", ("NoSuchEntity",)),
        ("wafv2", "DeleteWebACL", ("Gone", "Away")),
        ("sns", "DeleteTopic", ("Gone", "Away")),
    }
    assert {site.place for site in deployer_sites.find()} == {"infra.a.plan", "infra.a.remove_topic"}


def test_a_client_of_two_services_under_one_name_is_refused() -> None:
    with pytest.raises(LookupError, match="no service"):
        in_source("def f(client):\n    client.create_model()\n    client.receive_message()\n", "m")
