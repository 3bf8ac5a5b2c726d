"""The services as CloudFormation would deploy them, with what `harden` adds: our own rules, and cfn-lint's."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.choices import Choices
from infra.planning.plan import chosen, hardened_services
from infra.services import SERVICES
from infra.stage import Stage
from tests.infra import rules, service_rules
from tests.infra.rules import Template

ROOT = rules.INFRA.parent
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
Rule = Callable[[Template], list[str]]
Break = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session", params=["", KEY], ids=["keys of AWS", "own key"])
def templates(request: pytest.FixtureRequest) -> dict[str, Template]:
    stage = Stage(name="dev", region="eu-west-1", account="111122223333")
    return hardened_services(chosen(stage, Choices(own_key=request.param)), ROOT)


def put(path: str, value: Any) -> Break:
    """Return what sets the value at a path between slashes; numbers are places in lists."""

    def change(resources: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("|")]
        place: Any = resources
        for part in parents:
            place = place[part]
        place[last] = value

    return change


def drop(path: str) -> Break:
    def change(resources: dict[str, Any]) -> None:
        *parents, last = path.split("|")
        place: Any = resources
        for part in parents:
            place = place[part]
        del place[last]

    return change


def grant(role: str, action: str, resource: str = "arn:aws:x:::y") -> Break:
    def change(resources: dict[str, Any]) -> None:
        document = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]
        document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})

    return change


_EVENT = "OnObjectCreated|Properties|Events|OnObjectCreatedEvent|Properties"
_PATHS = "RestAPI|Properties|DefinitionBody|paths"
_AUTHORIZER = "RestAPI|Properties|DefinitionBody|securityDefinitions|bearer|x-amazon-apigateway-authorizer"
_TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/headrace-dev-jobs"
# Each rule with what breaks it, in the template of the ingest service.
BREAKS: list[tuple[Rule, Break]] = [
    (service_rules.nothing_is_granted_everywhere, grant("BearerRole", "s3:GetObject", "*")),
    (service_rules.nothing_is_granted_everywhere, grant("BearerRole", "s3:*")),
    (service_rules.roles_are_handed_to_sagemaker_only, grant("BearerRole", "iam:PassRole")),
    (
        service_rules.only_lambda_takes_the_roles,
        put("BearerRole|Properties|AssumeRolePolicyDocument|Statement|0|Principal", {"AWS": "*"}),
    ),
    (service_rules.who_invokes_names_its_source, drop("BearerInvokePermission|Properties|SourceArn")),
    (service_rules.every_rule_has_dead_letters, drop(f"{_EVENT}|DeadLetterConfig")),
    (service_rules.every_rule_has_dead_letters, drop(f"{_EVENT}|RetryPolicy")),
    (service_rules.every_failed_event_is_kept, drop("Reconcile|Properties|EventInvokeConfig")),
    (service_rules.every_failed_event_is_kept, put("ReconcileRole|Properties|Policies", [])),
    (service_rules.every_rule_is_filtered, put(f"{_EVENT}|Pattern", {"source": ["aws.s3"]})),
    (service_rules.logs_expire, drop("BearerLog")),
    (service_rules.logs_expire, drop("BearerLog|Properties|RetentionInDays")),
    (service_rules.every_route_has_the_authorizer, drop(f"{_PATHS}|/v1/pipelines|get|security")),
    (service_rules.tokens_are_cached_a_minute, put(f"{_AUTHORIZER}|authorizerResultTtlInSeconds", 3600)),
    (service_rules.api_refuses_what_is_too_much, drop("RestAPI|Properties|MethodSettings")),
    (service_rules.api_refuses_what_is_too_much, put("RestAPI|Properties|EndpointConfiguration", "EDGE")),
    (service_rules.the_gateway_answers_in_our_shape, drop("RestAPI|Properties|GatewayResponses|THROTTLED")),
    (service_rules.a_service_writes_only_its_own_tables, grant("BearerRole", "dynamodb:PutItem", _TABLE)),
    (service_rules.keys_are_used_not_managed, grant("BearerRole", "kms:CreateGrant")),
    (service_rules.keys_are_used_not_managed, grant("BearerRole", "kms:Decrypt", KEY)),
    (service_rules.secrets_are_only_read, grant("BearerRole", "secretsmanager:PutSecretValue")),
    (service_rules.a_service_speaks_only_as_itself, grant("BearerRole", "events:PutEvents")),
    (
        service_rules.names_are_the_stages_and_not_reserved,
        put("Bearer|Properties|FunctionName", "headrace-dev-bearer"),
    ),
    (
        service_rules.names_are_the_stages_and_not_reserved,
        put("Bearer|Properties|Environment|Variables|AWS_REGION", "eu-west-1"),
    ),
    (
        service_rules.no_secret_is_in_the_environment,
        put("Bearer|Properties|Environment|Variables|ORIGIN_SECRET", "x"),
    ),
    (service_rules.functions_fit, put("Bearer|Properties|Timeout", 60)),
    (service_rules.functions_fit, put("Bearer|Properties|Runtime", "python3.11")),
    (service_rules.everything_carries_the_stages_tag, put("BearerRole|Properties|Tags", [])),
]
RULES = list(dict.fromkeys(rule for rule, _ in BREAKS))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("rule", RULES)
def test_every_service_keeps_each_rule(templates: dict[str, Template], rule: Rule, service: str) -> None:
    assert rule(templates[service]) == []


@pytest.mark.parametrize(("rule", "change"), BREAKS)
def test_each_rule_notices_a_service_that_breaks_it(
    templates: dict[str, Template], rule: Rule, change: Break
) -> None:
    template = copy.deepcopy(templates["ingest"])
    change(template["Resources"])
    assert len(rule(template)) >= 1


def test_every_rule_is_tried() -> None:
    public = {
        one
        for name, one in vars(service_rules).items()
        if callable(one)
        and not name.startswith("_")
        and getattr(one, "__module__", "") == service_rules.__name__
    }
    assert public == set(RULES)


def test_cfn_lint_finds_nothing(templates: dict[str, Template], tmp_path: Path) -> None:
    for service, template in templates.items():
        (tmp_path / f"{service}.json").write_text(json.dumps(template))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "-r", "eu-west-1", "-t"]
    files = [f"{service}.json" for service in SERVICES]
    done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
