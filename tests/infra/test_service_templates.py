"""The services' committed templates agree with the foundation and with themselves."""

import json
import re
from pathlib import Path

import pytest

from infra import templates
from infra.render import render_file, values_of
from infra.services import SERVICES, folder_of
from infra.stage import Stage
from infra.values import stage_values
from tests.infra import rules

ROOT = rules.INFRA.parent
STAGE = Stage(name="dev", region="eu-west-1", account="111122223333")
WRITTEN = [s for s in SERVICES if (folder_of(ROOT, s) / ".chalice" / "templates" / "config.json").is_file()]
# Values that no output gives: their environment names are the services' own choice.
FREE = {
    "Stage",
    "Region",
    "Account",
    "Partition",
    "Recipes",
    "TrainingImageUri",
    "IngestCodeUri",
    "CodeVersion",
}


def _values() -> dict[str, str]:
    outputs = templates.load("foundation.yaml")["Outputs"].keys() - {"Fingerprint"}
    return values_of(
        {name: f"<{name}>" for name in outputs},
        **stage_values(STAGE, {"tabular": "0" * 64}, ROOT, "s3://models/code/0/ingest.zip"),
    )


def _templates(service: str) -> Path:
    return folder_of(ROOT, service) / ".chalice" / "templates"


def _stage_config(service: str) -> dict[str, object]:
    config = json.loads(render_file(_templates(service) / "config.json", _values()))
    stage: dict[str, object] = config["stages"]["dev"]
    return stage


@pytest.mark.parametrize("service", WRITTEN)
def test_every_template_renders_from_what_a_deployment_knows(service: str) -> None:
    for source in _templates(service).glob("*.json"):
        assert json.loads(render_file(source, _values()))


@pytest.mark.parametrize("service", WRITTEN)
def test_an_environment_name_is_its_output_in_upper_snake_case(service: str) -> None:
    config = json.loads((_templates(service) / "config.json").read_text())
    variables = config["stages"]["${Stage}"]["environment_variables"]
    for name, value in variables.items():
        whole = re.fullmatch(r"\$\{(\w+)\}", value)
        if whole and whole[1] not in FREE:
            assert name == re.sub(r"(?<!^)(?=[A-Z])", "_", whole[1]).upper()


@pytest.mark.parametrize("service", WRITTEN)
def test_every_function_has_its_own_policy_and_every_policy_a_function(service: str) -> None:
    config = _stage_config(service)
    functions = config["lambda_functions"]
    assert isinstance(functions, dict)
    assert config["autogen_policy"] is False
    used = {name: settings["iam_policy_file"] for name, settings in functions.items()}
    assert used == {name: f"policy-{name}.json" for name in functions}
    assert {path.name for path in _templates(service).glob("policy-*.json")} == set(used.values())


@pytest.mark.parametrize("service", WRITTEN)
def test_no_function_may_do_everything_or_reach_everything(service: str) -> None:
    for source in _templates(service).glob("policy-*.json"):
        policy = json.loads(render_file(source, _values()))
        problems = [what for statement in policy["Statement"] for what in rules.broad(statement)]
        assert problems == [], source


@pytest.mark.parametrize("service", WRITTEN)
def test_the_api_stage_is_the_one_the_edge_calls(service: str) -> None:
    config = _stage_config(service)
    assert (config["api_gateway_stage"], config["api_gateway_endpoint_type"]) == ("api", "REGIONAL")


@pytest.mark.parametrize("service", WRITTEN)
def test_whoever_reads_objects_is_told_when_one_is_missing(service: str) -> None:
    # Without s3:ListBucket S3 answers 403 for a key that is not there, and "gone" would look like "forbidden".
    for source in _templates(service).glob("policy-*.json"):
        reads, lists = set(), set()
        for statement in json.loads(render_file(source, _values()))["Statement"]:
            buckets = {resource.partition("/")[0] for resource in rules.as_list(statement["Resource"])}
            actions = set(rules.as_list(statement["Action"]))
            reads |= buckets if "s3:GetObject" in actions else set()
            lists |= buckets if "s3:ListBucket" in actions and "Condition" not in statement else set()
        assert reads <= lists, source
