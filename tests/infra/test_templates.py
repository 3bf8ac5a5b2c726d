import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra import templates
from tests.infra import aws_rules, rules
from tests.infra.rules import Template

FOUNDATION_RULES = [
    rules.buckets_are_closed,
    rules.incoming_tells_eventbridge,
    rules.tables_are_safe,
    rules.tables_have_the_agreed_keys,
    rules.data_outlives_the_stack,
    rules.queues_keep_dead_letters,
    rules.alerts_come_over_tls,
    rules.nobody_is_everybody,
    rules.roles_are_least_privilege,
    rules.no_secret_is_written_down,
    aws_rules.the_site_tells_missing_from_forbidden,
    aws_rules.sagemaker_may_list_its_buckets,
]
EDGE_RULES = [
    rules.behaviours_are_in_order,
    rules.api_answers_are_never_cached,
    rules.errors_are_passed_on,
    rules.origins_are_guarded,
    rules.no_secret_is_written_down,
    aws_rules.the_web_acl_lets_data_through,
    aws_rules.the_web_acl_answers_in_our_shape,
]
OUTPUTS = {
    *("IncomingBucket", "DataBucket", "ModelsBucket", "SiteBucket"),
    *("PipelinesTable", "DatasetsTable", "JobsTable", "ModelsTable", "ReleasesTable"),
    *("PredictionsTable", "TokensTable", "IdempotencyTable"),
    *("SagemakerRoleArn", "IngestJobRoleArn", "BatchRoleArn", "SigningKeyArn", "OriginSecretArn"),
    *("InputHashSecretArn", "AlertsTopicArn", "OwnKeyArn", "AccessLogs"),
    *("IngestDeadLettersArn", "TrainingDeadLettersArn", "InferenceDeadLettersArn"),
}
Rule = Callable[[Template], list[str]]


def _at(template: Template, path: str) -> tuple[Any, Any]:
    """Return the container and last key of a path into the resources, its parts between slashes."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = template["Resources"]
    for part in parents:
        place = place[part]
    return place, last


def drop(path: str) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        place, last = _at(template, path)
        del place[last]

    return change


def put(path: str, value: Any) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        place, last = _at(template, path)
        place[last] = value

    return change


def swap_behaviours(template: Template) -> None:
    behaviours = template["Resources"]["Distribution"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    behaviours[0], behaviours[5] = behaviours[5], behaviours[0]


def show_the_secret(template: Template) -> None:
    template["Parameters"]["OriginSecret"]["NoEcho"] = False


def tell_the_secret(template: Template) -> None:
    template["Outputs"]["OriginSecret"] = {"Value": {"Ref": "OriginSecret"}}


_ROLE = "SagemakerRole/Properties/Policies/0/PolicyDocument/Statement"
_ACL = "WebAcl/Properties/Rules"
_EDGE = "Distribution/Properties/DistributionConfig"
BREAKS: list[tuple[str, Rule, Callable[[Template], None]]] = [
    ("foundation.yaml", rules.buckets_are_closed, drop("DataBucket/Properties/BucketEncryption")),
    ("foundation.yaml", rules.buckets_are_closed, drop("ModelsBucket/Properties/VersioningConfiguration")),
    ("foundation.yaml", rules.buckets_are_closed, drop("SiteBucket/Properties/OwnershipControls")),
    (
        "foundation.yaml",
        rules.buckets_are_closed,
        drop("SiteBucket/Properties/LifecycleConfiguration/Rules/0"),
    ),
    (
        "foundation.yaml",
        rules.buckets_are_closed,
        put("SiteBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy", False),
    ),
    ("foundation.yaml", rules.buckets_are_closed, drop("IncomingBucketPolicy")),
    (
        "foundation.yaml",
        rules.incoming_tells_eventbridge,
        drop("IncomingBucket/Properties/NotificationConfiguration"),
    ),
    ("foundation.yaml", rules.tables_are_safe, drop("JobsTable/Properties/PointInTimeRecoverySpecification")),
    (
        "foundation.yaml",
        rules.tables_are_safe,
        put("JobsTable/Properties/SSESpecification/SSEEnabled", False),
    ),
    (
        "foundation.yaml",
        rules.tables_have_the_agreed_keys,
        drop("JobsTable/Properties/GlobalSecondaryIndexes/1"),
    ),
    (
        "foundation.yaml",
        rules.tables_have_the_agreed_keys,
        drop("PredictionsTable/Properties/TimeToLiveSpecification"),
    ),
    ("foundation.yaml", rules.data_outlives_the_stack, drop("ModelsTable/DeletionPolicy")),
    (
        "foundation.yaml",
        rules.queues_keep_dead_letters,
        drop("IngestDeadLetters/Properties/SqsManagedSseEnabled"),
    ),
    ("foundation.yaml", rules.queues_keep_dead_letters, drop("TrainingDeadLettersPolicy")),
    (
        "foundation.yaml",
        rules.queues_keep_dead_letters,
        drop("InferenceDeadLettersPolicy/Properties/PolicyDocument/Statement/0"),
    ),
    (
        "foundation.yaml",
        rules.alerts_come_over_tls,
        drop("AlertsTopicPolicy/Properties/PolicyDocument/Statement/0"),
    ),
    (
        "foundation.yaml",
        rules.nobody_is_everybody,
        put("SiteBucketPolicy/Properties/PolicyDocument/Statement/0/Effect", "Allow"),
    ),
    ("foundation.yaml", rules.roles_are_least_privilege, put(f"{_ROLE}/0/Action", "s3:*")),
    ("foundation.yaml", rules.roles_are_least_privilege, put(f"{_ROLE}/0/Resource", "*")),
    (
        "foundation.yaml",
        rules.roles_are_least_privilege,
        drop("SagemakerRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition"),
    ),
    ("foundation.yaml", rules.no_secret_is_written_down, put("OriginSecret/Properties/SecretString", "x")),
    (
        "foundation.yaml",
        rules.no_secret_is_written_down,
        put("OriginSecret/Properties/GenerateSecretString/SecretStringTemplate", '{"current": ""}'),
    ),
    (
        "foundation.yaml",
        aws_rules.the_site_tells_missing_from_forbidden,
        drop("SiteBucketPolicy/Properties/PolicyDocument/Statement/2"),
    ),
    (
        "foundation.yaml",
        aws_rules.the_site_tells_missing_from_forbidden,
        drop("SiteBucketPolicy/Properties/PolicyDocument/Statement/2/Fn::If/1/Condition"),
    ),
    ("foundation.yaml", aws_rules.sagemaker_may_list_its_buckets, drop(f"{_ROLE}/1")),
    (
        "foundation.yaml",
        aws_rules.sagemaker_may_list_its_buckets,
        put(f"{_ROLE}/1/Condition", {"StringLike": {"s3:prefix": ["models/*"]}}),
    ),
    ("edge.yaml", rules.behaviours_are_in_order, swap_behaviours),
    (
        "edge.yaml",
        rules.api_answers_are_never_cached,
        put(f"{_EDGE}/CacheBehaviors/5/CachePolicyId", "other"),
    ),
    (
        "edge.yaml",
        rules.api_answers_are_never_cached,
        put(f"{_EDGE}/CacheBehaviors/5/ViewerProtocolPolicy", "redirect-to-https"),
    ),
    ("edge.yaml", rules.errors_are_passed_on, drop(f"{_EDGE}/CustomErrorResponses/2")),
    (
        "edge.yaml",
        rules.errors_are_passed_on,
        put(f"{_EDGE}/CustomErrorResponses/2/ResponsePagePath", "/404"),
    ),
    ("edge.yaml", rules.origins_are_guarded, drop(f"{_EDGE}/Origins/2/OriginCustomHeaders")),
    ("edge.yaml", rules.origins_are_guarded, drop(f"{_EDGE}/Origins/0/OriginAccessControlId")),
    (
        "edge.yaml",
        aws_rules.the_web_acl_lets_data_through,
        drop(f"{_ACL}/5/Statement/ManagedRuleGroupStatement/RuleActionOverrides/0"),
    ),
    ("edge.yaml", aws_rules.the_web_acl_lets_data_through, drop(f"{_ACL}/4")),
    ("edge.yaml", aws_rules.the_web_acl_answers_in_our_shape, put(f"{_ACL}/1/Action", {"Block": {}})),
    (
        "edge.yaml",
        aws_rules.the_web_acl_answers_in_our_shape,
        drop(f"{_ACL}/1/Action/Block/CustomResponse/ResponseHeaders"),
    ),
    ("edge.yaml", rules.no_secret_is_written_down, show_the_secret),
    ("edge.yaml", rules.no_secret_is_written_down, tell_the_secret),
]


@pytest.mark.parametrize("rule", FOUNDATION_RULES)
def test_the_foundation_keeps_each_rule(rule: Rule) -> None:
    assert rule(templates.load("foundation.yaml")) == []


@pytest.mark.parametrize("rule", EDGE_RULES)
def test_the_edge_keeps_each_rule(rule: Rule) -> None:
    assert rule(templates.load("edge.yaml")) == []


@pytest.mark.parametrize(("name", "rule", "change"), BREAKS)
def test_each_rule_notices_a_template_that_breaks_it(
    name: str, rule: Rule, change: Callable[[Template], None]
) -> None:
    template = copy.deepcopy(templates.load(name))
    change(template)
    assert len(rule(template)) >= 1


def test_every_rule_has_been_shown_to_fail() -> None:
    assert {rule for _, rule, _ in BREAKS} == {*FOUNDATION_RULES, *EDGE_RULES}


def test_the_foundation_gives_exactly_the_agreed_outputs() -> None:
    assert templates.load("foundation.yaml")["Outputs"].keys() - {"Fingerprint"} == OUTPUTS


@pytest.mark.parametrize(
    ("ending", "kind"), [("Bucket", "AWS::S3::Bucket"), ("Table", "AWS::DynamoDB::Table")]
)
def test_an_output_that_is_called_a_bucket_or_table_is_one_of_the_stages_own(ending: str, kind: str) -> None:
    foundation = templates.load("foundation.yaml")
    outputs = {name for name in foundation["Outputs"] if name.endswith(ending)}
    assert outputs == {name for name, _ in rules.of_type(foundation, kind)}


def test_no_template_is_too_long_to_be_sent_with_the_call() -> None:
    for path in rules.INFRA.glob("*.yaml"):
        assert path.stat().st_size < 51_200, f"{path.name}: CloudFormation takes longer ones from S3 only"
