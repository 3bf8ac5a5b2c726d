"""The policies grant what the code calls and nothing for everybody."""

import json
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "ingest_service" / ".chalice" / "templates"
FUNCTIONS = ("api_handler", "bearer", "on_object_created", "on_processing_job_state_change", "reconcile")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_names_exact_actions_and_resources(function):
    statements = json.loads((TEMPLATES / f"policy-{function}.json").read_text())["Statement"]
    for statement in statements:
        assert not [action for action in statement["Action"] if "*" in action]
        assert "*" not in statement["Resource"]
    # Chalice names the function of the API after the app alone.
    name = "headrace-ingest-${Stage}" + ("" if function == "api_handler" else f"-{function}")
    logs = [r for s in statements for r in s["Resource"] if ":logs:" in r]
    assert {resource.partition("/aws/lambda/")[2].partition(":")[0] for resource in logs} == {name}


def test_every_function_has_its_own_policy():
    config = json.loads((TEMPLATES / "config.json").read_text())["stages"]["${Stage}"]
    assert config["autogen_policy"] is False
    found = {name: function["iam_policy_file"] for name, function in config["lambda_functions"].items()}
    assert found == {name: f"policy-{name}.json" for name in FUNCTIONS}


def test_only_the_api_may_read_the_origin_secret():
    readers = [f for f in FUNCTIONS if "secretsmanager" in (TEMPLATES / f"policy-{f}.json").read_text()]
    assert readers == ["api_handler"]


def test_of_uploaded_files_the_api_may_only_sign_list_abort_and_recognise():
    statements = json.loads((TEMPLATES / "policy-api_handler.json").read_text())["Statement"]
    granted = {
        action
        for statement in statements
        for action in statement["Action"]
        if "arn:${Partition}:s3:::${IncomingBucket}/incoming/*" in statement["Resource"]
    }
    assert granted == {
        "s3:PutObject",
        "s3:ListMultipartUploadParts",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
    }
