"""Our own rules on the templates; each returns its violations, none when the template keeps it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[2] / "infra"
Template = dict[str, Any]

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
BEHAVIOURS = [
    ("/v1/pipelines*", "ingest"),
    ("/v1/datasets*", "ingest"),
    ("/v1/training-jobs*", "training"),
    ("/v1/models*", "training"),
    ("/v1/recipes*", "training"),
    ("/v1/*", "inference"),
    ("/v2*", "inference"),
]
ALL_METHODS = {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
# table: key attributes, then its indexes
KEYS: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "pipelines": (["kind", "pipeline"], {}),
    "datasets": (["pipeline", "version"], {"attention": ["attention", "updated_at"]}),
    "jobs": (
        ["job_id"],
        {"by-pipeline": ["pipeline", "created_at"], "attention": ["attention", "updated_at"]},
    ),
    "models": (["pipeline", "version"], {"attention": ["attention", "updated_at"]}),
    "releases": (["pipeline", "entry"], {"attention": ["attention", "updated_at"]}),
    "predictions": (["request_id", "chunk"], {}),
    "tokens": (["token_sha256"], {}),
    "idempotency": (["id"], {}),
}
TTL = {"predictions": "expires_at_s", "idempotency": "expires_at_s"}
# Actions for which AWS knows no resources.
RESOURCELESS = {
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModels",
    "sagemaker:ListTrainingJobs",
}


def of_type(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource


def properties(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in of_type(template, kind):
        yield name, resource["Properties"]


def statements(document: Any) -> Iterator[dict[str, Any]]:
    for statement in document["Statement"]:
        yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def buckets_are_closed(template: Template) -> list[str]:
    wrong = []
    for name, bucket in properties(template, "AWS::S3::Bucket"):
        blocked = bucket.get("PublicAccessBlockConfiguration", {})
        ownership = bucket.get("OwnershipControls", {}).get("Rules", [{}])[0].get("ObjectOwnership")
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        checks = {
            "encrypted": "BucketEncryption" in bucket,
            "versioned": bucket.get("VersioningConfiguration", {}).get("Status") == "Enabled",
            "blocked": len(blocked) == 4 and all(value is True for value in blocked.values()),
            "owned": ownership == "BucketOwnerEnforced",
            "tidied": any("AbortIncompleteMultipartUpload" in rule for rule in rules)
            and any("NoncurrentVersionExpiration" in rule for rule in rules),
            "over TLS only": _denies_plain_http(template, name),
        }
        wrong += [f"{name} is not {check}" for check, holds in checks.items() if not holds]
    return wrong


def _denies_plain_http(template: Template, bucket: str) -> bool:
    whole = [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
    return any(
        policy["Bucket"] == {"Ref": bucket}
        and _denies_plain(list(statements(policy["PolicyDocument"])), "s3:*", whole)
        for _, policy in properties(template, "AWS::S3::BucketPolicy")
    )


def _denies_plain(policy: list[dict[str, Any]], action: str, resource: Any) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Action"] == action
        and statement["Resource"] == resource
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy
    )


def incoming_tells_eventbridge(template: Template) -> list[str]:
    bucket = template["Resources"]["IncomingBucket"]["Properties"]
    told = bucket.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {})
    return [] if told.get("EventBridgeEnabled") is True else ["IncomingBucket tells EventBridge nothing"]


def tables_are_safe(template: Template) -> list[str]:
    wrong = []
    for name, table in properties(template, "AWS::DynamoDB::Table"):
        recovery = table.get("PointInTimeRecoverySpecification", {})
        checks = {
            "recoverable": recovery.get("PointInTimeRecoveryEnabled") is True,
            "encrypted": table.get("SSESpecification", {}).get("SSEEnabled") is True,
            "on demand": table.get("BillingMode") == "PAY_PER_REQUEST",
            "protected by the parameter": table.get("DeletionProtectionEnabled")
            == {"Fn::If": ["TablesAreProtected", True, False]},
        }
        wrong += [f"{name} is not {check}" for check, holds in checks.items() if not holds]
    return wrong


def tables_have_the_agreed_keys(template: Template) -> list[str]:
    found, expiring = {}, {}
    for _, table in properties(template, "AWS::DynamoDB::Table"):
        short = table["TableName"]["Fn::Sub"].removeprefix("headrace-${Stage}-")
        indexes = {
            index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
            for index in table.get("GlobalSecondaryIndexes", [])
        }
        found[short] = ([key["AttributeName"] for key in table["KeySchema"]], indexes)
        if "TimeToLiveSpecification" in table:
            expiring[short] = table["TimeToLiveSpecification"]["AttributeName"]
    wrong = [f"{name}: {found.get(name)}" for name in KEYS if found.get(name) != KEYS[name]]
    return wrong + ([] if expiring == TTL else [f"TTL: {expiring}"])


def data_outlives_the_stack(template: Template) -> list[str]:
    kinds = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SQS::Queue")
    return [
        f"{name} would be deleted with the stack"
        for kind in kinds
        for name, resource in of_type(template, kind)
        if resource.get("DeletionPolicy") != "RetainExceptOnCreate"
        or resource.get("UpdateReplacePolicy") != "Retain"
    ]


def queues_keep_dead_letters(template: Template) -> list[str]:
    wrong = []
    policies = {
        policy["Queues"][0]["Ref"]: list(statements(policy["PolicyDocument"]))
        for _, policy in properties(template, "AWS::SQS::QueuePolicy")
    }
    senders = {name: str(policy) for name, policy in policies.items()}
    for name, queue in properties(template, "AWS::SQS::Queue"):
        service = name.removesuffix("DeadLetters").lower()
        own_rules = f":rule/headrace-{service}-${{Stage}}-*"
        checks = {
            "encrypted": queue.get("SqsManagedSseEnabled") == {"Fn::If": ["HasOwnKey", False, True]},
            "kept for 14 days": queue.get("MessageRetentionPeriod") == 14 * 24 * 3600,
            "open to its own rules only": own_rules in senders.get(name, "")
            and senders[name].count(":rule/") == 1,
            "over TLS only": _denies_plain(policies.get(name, []), "sqs:*", {"Fn::GetAtt": [name, "Arn"]}),
        }
        wrong += [f"{name} is not {check}" for check, holds in checks.items() if not holds]
    return wrong


def alerts_come_over_tls(template: Template) -> list[str]:
    policies = {
        policy["Topics"][0]["Ref"]: list(statements(policy["PolicyDocument"]))
        for _, policy in properties(template, "AWS::SNS::TopicPolicy")
    }
    return [
        f"{name} takes messages over plain HTTP"
        for name, _ in properties(template, "AWS::SNS::Topic")
        if not _denies_plain(policies.get(name, []), "sns:Publish", {"Ref": name})
    ]


def nobody_is_everybody(template: Template) -> list[str]:
    """No policy of any resource lets everybody in; denying everybody is fine."""
    wrong = []
    for name, resource in template["Resources"].items():
        for document in _documents(resource["Properties"]):
            for statement in statements(document):
                principal = statement.get("Principal", {})
                everybody = principal == "*" or (isinstance(principal, dict) and "*" in principal.values())
                if everybody and statement["Effect"] == "Allow":
                    wrong.append(f"{name} allows everybody {statement['Action']}")
    return wrong


def roles_are_least_privilege(template: Template) -> list[str]:
    wrong = []
    for name, role in properties(template, "AWS::IAM::Role"):
        for trust in statements(role["AssumeRolePolicyDocument"]):
            if "aws:SourceAccount" not in str(trust.get("Condition")):
                wrong.append(f"{name}: another account could make the service take this role")
        for policy in role["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                wrong += [f"{name}: {problem}" for problem in broad(statement)]
    return wrong


def broad(statement: dict[str, Any]) -> Iterator[str]:
    actions = as_list(statement["Action"])
    yield from (f"action {action}" for action in actions if "*" in action)
    everywhere = "*" in as_list(statement["Resource"])
    if everywhere and "Condition" not in statement and not set(actions) <= RESOURCELESS:
        yield f"{actions} on every resource"


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield value
        for inner in value.values():
            yield from _documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner)


def no_secret_is_written_down(template: Template) -> list[str]:
    wrong = [
        f"{name} has a value in the template"
        for name, secret in properties(template, "AWS::SecretsManager::Secret")
        if "SecretString" in secret or "GenerateSecretString" not in secret
    ]
    # CloudFormation adds the generated key; what it does with one that is there is not documented.
    wrong += [
        f"{name} gives a value for the key it generates"
        for name, secret in properties(template, "AWS::SecretsManager::Secret")
        for generated in [secret.get("GenerateSecretString", {})]
        if generated.get("GenerateStringKey") in json.loads(generated.get("SecretStringTemplate", "{}"))
    ]
    parameters = template["Parameters"]
    wrong += [
        f"parameter {name} would be shown"
        for name, parameter in parameters.items()
        if "Secret" in name and (parameter.get("NoEcho") is not True or "Default" in parameter)
    ]
    outputs = template["Outputs"].items()
    return wrong + [f"output {name} tells it" for name, value in outputs if "OriginSecret'}" in str(value)]


def _distribution(template: Template) -> dict[str, Any]:
    config: dict[str, Any] = template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    return config


def behaviours_are_in_order(template: Template) -> list[str]:
    found = [(b["PathPattern"], b["TargetOriginId"]) for b in _distribution(template)["CacheBehaviors"]]
    default = _distribution(template)["DefaultCacheBehavior"]["TargetOriginId"]
    wrong = [] if found == BEHAVIOURS else [f"behaviours {found}"]
    return wrong + ([] if default == "site" else [f"default goes to {default}"])


def api_answers_are_never_cached(template: Template) -> list[str]:
    return [
        f"{behaviour['PathPattern']} is cached, misses methods or travels in the clear"
        for behaviour in _distribution(template)["CacheBehaviors"]
        if behaviour["CachePolicyId"] != CACHING_DISABLED
        or behaviour.get("OriginRequestPolicyId") != ALL_VIEWER_EXCEPT_HOST
        or set(behaviour["AllowedMethods"]) != ALL_METHODS
        or behaviour["ViewerProtocolPolicy"] != "https-only"
    ]


def errors_are_passed_on(template: Template) -> list[str]:
    responses = _distribution(template)["CustomErrorResponses"]
    wrong = [
        f"{response['ErrorCode']} is cached or gets a page"
        for response in responses
        if response.get("ErrorCachingMinTTL") != 0 or "ResponsePagePath" in response
    ]
    every = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}  # those CloudFront caches
    missing = every - {response["ErrorCode"] for response in responses}
    return wrong + [f"{code} is cached for ten seconds" for code in sorted(missing)]


def origins_are_guarded(template: Template) -> list[str]:
    wrong = []
    for origin in _distribution(template)["Origins"]:
        if origin["Id"] == "site":
            if "OriginAccessControlId" not in origin:
                wrong.append("the site has no origin access control")
            continue
        secret = [{"HeaderName": "x-headrace-origin", "HeaderValue": {"Ref": "OriginSecret"}}]
        if origin.get("OriginCustomHeaders") != secret:
            wrong.append(f"{origin['Id']} gets no origin secret")
        if origin["CustomOriginConfig"]["OriginProtocolPolicy"] != "https-only":
            wrong.append(f"{origin['Id']} is called in the clear")
        if origin.get("OriginPath") != "/api":
            wrong.append(f"{origin['Id']} has another path than Chalice's stage")
    return wrong
