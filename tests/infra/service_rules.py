"""Our own rules on what a service deploys, hardened; each returns its violations, none when the template keeps it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.rules import Template, as_list, broad, properties

STAGE = "dev"
TABLES = {
    "ingest": {"pipelines", "datasets", "idempotency"},
    "training": {"jobs", "models", "idempotency"},
    "inference": {"releases", "predictions", "idempotency"},
}
_ENCRYPTING = {"kms:Decrypt", "kms:GenerateDataKey"}
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Defined runtime environment variables"
_RESERVED = re.compile(r"AWS_.*|LAMBDA_.*|_HANDLER|_X_AMZN_.*|TZ|PATH|PYTHONPATH|LD_LIBRARY_PATH|LANG")
_FUNCTION, _ROLE, _API = "AWS::Serverless::Function", "AWS::IAM::Role", "AWS::Serverless::Api"
_TAG = {"Key": "headrace:stage", "Value": STAGE}


def _statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in properties(template, _ROLE):
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def _granting(template: Template, service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield role, action and statement of everything granted on *service*."""
    for name, statement in _statements(template):
        for action in as_list(statement["Action"]):
            if action.startswith(f"{service}:"):
                yield name, action, statement


def _service(template: Template) -> str:
    ((_, api),) = properties(template, _API)
    title: str = api["DefinitionBody"]["info"]["title"]
    return title.removeprefix("headrace-")


def _starts_by_events(function: dict[str, Any]) -> bool:
    return bool(function.get("Events")) or function["FunctionName"].endswith(("-prediction_log", "-batch"))


def nothing_is_granted_everywhere(template: Template) -> list[str]:
    return [f"{name}: {problem}" for name, one in _statements(template) for problem in broad(one)]


def roles_are_handed_to_sagemaker_only(template: Template) -> list[str]:
    wanted = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return [
        f"{name} may hand over {one['Resource']}"
        for name, action, one in _granting(template, "iam")
        if action != "iam:PassRole" or one.get("Condition") != wanted or "*" in str(one["Resource"])
    ]


def only_lambda_takes_the_roles(template: Template) -> list[str]:
    trusted = [{"Service": "lambda.amazonaws.com"}]
    return [
        f"{name} is taken by others"
        for name, role in properties(template, _ROLE)
        if [one["Principal"] for one in role["AssumeRolePolicyDocument"]["Statement"]] != trusted
    ]


def who_invokes_names_its_source(template: Template) -> list[str]:
    wrong = []
    for name, permission in properties(template, "AWS::Lambda::Permission"):
        source = json.dumps(permission.get("SourceArn", ""))
        if not re.search(r"execute-api:.*RestAPIId|:log-group:/aws/lambda/headrace-", source):
            wrong.append(f"{name}: every {permission['Principal']} of the world")
        if permission["Principal"] == "logs.amazonaws.com" and "SourceAccount" not in permission:
            wrong.append(f"{name}: a group of the same name in another account")
    return wrong


def every_rule_has_dead_letters(template: Template) -> list[str]:
    wrong, service = [], _service(template)
    for name, function in properties(template, _FUNCTION):
        for event in function.get("Events", {}).values():
            told = event["Properties"]
            if not told.get("DeadLetterConfig", {}).get("Arn", "").endswith(f"-{service}-dead-letters"):
                wrong.append(f"{name}: what cannot be delivered is lost")
            if not {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"} <= told.get("RetryPolicy", {}).keys():
                wrong.append(f"{name}: tried for a day whatever it is")
    return wrong


def every_failed_event_is_kept(template: Template) -> list[str]:
    wrong = []
    for name, function in properties(template, _FUNCTION):
        if not _starts_by_events(function):
            continue
        config = function.get("EventInvokeConfig", {})
        queue = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if not queue:
            wrong.append(f"{name}: what fails three times is lost")
        role = function["Role"]["Fn::GetAtt"][0]
        if not any(n == role and one["Resource"] == queue for n, _, one in _granting(template, "sqs")):
            wrong.append(f"{name} may not send to its dead letters")
    return wrong


def every_rule_is_filtered(template: Template) -> list[str]:
    """A pattern names its source; what all stages of an account share is cut down to this one."""
    wrong = []
    for name, function in properties(template, _FUNCTION):
        for event in function.get("Events", {}).values():
            pattern = event["Properties"].get("Pattern")
            if pattern is not None and ("source" not in pattern or STAGE not in json.dumps(pattern)):
                wrong.append(f"{name} hears other stages")
    return wrong


def logs_expire(template: Template) -> list[str]:
    kept = {
        group["LogGroupName"]
        for _, group in properties(template, "AWS::Logs::LogGroup")
        if group.get("RetentionInDays") == 30
    }
    groups = {f"/aws/lambda/{made['FunctionName']}" for _, made in properties(template, _FUNCTION)}
    return [f"{group} is kept for ever" for group in sorted(groups - kept)]


def every_route_has_the_authorizer(template: Template) -> list[str]:
    ((_, api),) = properties(template, _API)
    return [
        f"{method} {path} is open"
        for path, methods in api["DefinitionBody"]["paths"].items()
        for method, told in methods.items()
        if method != "options" and path != "/v1/health" and told.get("security") != [{"bearer": []}]
    ]


def tokens_are_cached_a_minute(template: Template) -> list[str]:
    ((_, api),) = properties(template, _API)
    told = api["DefinitionBody"]["securityDefinitions"]["bearer"]["x-amazon-apigateway-authorizer"]
    return [] if told.get("authorizerResultTtlInSeconds") == 60 else ["a revoked token works on"]


def api_refuses_what_is_too_much(template: Template) -> list[str]:
    ((_, api),) = properties(template, _API)
    (settings,) = api.get("MethodSettings") or [{}]
    has_limits = {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= settings.keys()
    wrong = [] if has_limits else ["the API takes the whole account's share"]
    return wrong + ([] if api["EndpointConfiguration"] == "REGIONAL" else ["a second CloudFront in front"])


def the_gateway_answers_in_our_shape(template: Template) -> list[str]:
    ((_, api),) = properties(template, _API)
    answers, wrong = api.get("GatewayResponses", {}), []
    for kind, status in _GATEWAY.items():
        answer = answers.get(
            kind, {"StatusCode": "", "ResponseParameters": {"Headers": {}}, "ResponseTemplates": {}}
        )
        headers = answer["ResponseParameters"]["Headers"]
        body = json.loads(answer["ResponseTemplates"].get("application/json", "{}"))
        checks = {
            f"the status {status}": answer["StatusCode"] == status and body.get("status") == int(status or 0),
            "our media type": headers.get("Content-Type") == "'application/problem+json'",
            "a request id": body.get("request_id") == "$context.requestId",
            "a time to wait": status not in {"429", "503", "504"} or "Retry-After" in headers,
        }
        wrong += [f"{kind} has not {check}" for check, holds in checks.items() if not holds]
    return wrong


_GATEWAY = {
    "UNAUTHORIZED": "401",
    "ACCESS_DENIED": "403",
    "MISSING_AUTHENTICATION_TOKEN": "404",
    "REQUEST_TOO_LARGE": "413",
    "THROTTLED": "429",
    "AUTHORIZER_FAILURE": "503",
    "INTEGRATION_TIMEOUT": "504",
}


def a_service_writes_only_its_own_tables(template: Template) -> list[str]:
    own = TABLES[_service(template)]
    wrong = []
    for name, action, one in _granting(template, "dynamodb"):
        tables = {
            str(arn).rpartition(f"headrace-{STAGE}-")[2].partition("/")[0] for arn in as_list(one["Resource"])
        }
        if action.partition(":")[2] in _WRITES and not tables <= own:
            wrong.append(f"{name}: {action} on {', '.join(sorted(tables - own))}")
    return wrong


def keys_are_used_not_managed(template: Template) -> list[str]:
    """Only training signs, the other two at most verify; a key that encrypts is used by services in a role's name; nobody makes grants."""
    allowed = {"ingest": set(), "training": {"kms:Sign", "kms:Verify"}, "inference": {"kms:Verify"}}[
        _service(template)
    ]
    return [
        f"{name}: {action}"
        for name, action, one in _granting(template, "kms")
        if action not in (_ENCRYPTING if "kms:ViaService" in str(one.get("Condition")) else allowed)
    ]


def secrets_are_only_read(template: Template) -> list[str]:
    return [
        f"{name}: {action}"
        for name, action, one in _granting(template, "secretsmanager")
        if action != "secretsmanager:GetSecretValue" or "secret:headrace-" not in str(one["Resource"])
    ]


def a_service_speaks_only_as_itself(template: Template) -> list[str]:
    source = f"headrace.{STAGE}.{_service(template)}"
    return [
        f"{name} may say anything"
        for name, _, one in _granting(template, "events")
        if one.get("Condition", {}).get("ForAllValues:StringEquals") != {"events:source": source}
        or one["Condition"].get("Null") != {"events:source": "false"}
    ]


def names_are_the_stages_and_not_reserved(template: Template) -> list[str]:
    prefix, wrong = f"headrace-{_service(template)}-{STAGE}", []
    for name, function in properties(template, _FUNCTION):
        if not function["FunctionName"].startswith(prefix) or len(function["FunctionName"]) > 64:
            wrong.append(f"{name} is called {function['FunctionName']}")
        variables = function["Environment"]["Variables"]
        wrong += [f"{name}: Lambda has {key} for itself" for key in variables if _RESERVED.fullmatch(key)]
    names = [role["RoleName"] for _, role in properties(template, _ROLE)]
    return wrong + [f"role {one}" for one in names if not one.startswith(prefix) or len(one) > 64]


def no_secret_is_in_the_environment(template: Template) -> list[str]:
    return [
        f"{name}: {key}"
        for name, function in properties(template, _FUNCTION)
        for key, value in function["Environment"]["Variables"].items()
        if re.search("SECRET|TOKEN|PASSWORD", key) and not value.startswith(("arn:", "headrace-"))
    ]


def functions_fit(template: Template) -> list[str]:
    wrong = []
    for name, function in properties(template, _FUNCTION):
        checks = {
            "the Python of the packages": function["Runtime"] == "python3.12",
            "at most the 29 s of API Gateway": "Events" in function
            or function["Timeout"] <= 29
            or not function["FunctionName"].endswith(("-bearer", f"-{STAGE}")),
            "at most 15 minutes": function["Timeout"] <= 900,
        }
        wrong += [f"{name} has not {check}" for check, holds in checks.items() if not holds]
    return wrong


def everything_carries_the_stages_tag(template: Template) -> list[str]:
    wrong = []
    for kind in (_FUNCTION, _ROLE, _API, "AWS::Logs::LogGroup"):
        for name, made in properties(template, kind):
            tags = made.get("Tags", [])
            has = tags.get(_TAG["Key"]) == STAGE if isinstance(tags, dict) else _TAG in tags
            wrong += [] if has else [f"{name} has no tag"]
    return wrong
