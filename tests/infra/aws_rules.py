"""Rules that only AWS itself would enforce: a template that breaks one still deploys to the local cloud."""

import json
from typing import Any

from tests.infra.rules import Template, as_list, statements


def the_site_tells_missing_from_forbidden(template: Template) -> list[str]:
    """S3 answers 404 only to who may list the bucket; CloudFront may, but only this distribution."""
    policy = template["Resources"]["SiteBucketPolicy"]["Properties"]["PolicyDocument"]
    allowed = [s["Fn::If"][1] for s in policy["Statement"] if "Fn::If" in s]
    wrong = [
        f"{s['Sid']} is for every distribution of everybody"
        for s in allowed
        if "aws:SourceArn" not in str(s.get("Condition"))
    ]
    missing = {"s3:GetObject", "s3:ListBucket"} - {s["Action"] for s in allowed}
    return wrong + [f"the distribution may not {action}" for action in sorted(missing)]


def sagemaker_may_list_its_buckets(template: Template) -> list[str]:
    """As SageMaker's guide scopes the role: ListBucket on the buckets, not on prefixes."""
    (policy,) = template["Resources"]["SagemakerRole"]["Properties"]["Policies"]
    listing = [s for s in statements(policy["PolicyDocument"]) if "s3:ListBucket" in as_list(s["Action"])]
    wrong = [f"{s['Sid']} lists under a condition" for s in listing if "Condition" in s]
    return wrong if listing else ["the role may list nothing"]


def the_web_acl_lets_data_through(template: Template) -> list[str]:
    """Records are data: rules of AWS's groups on the size, markup or SQL of a body may count, and never block."""
    wanted = {
        "AWSManagedRulesCommonRuleSet": {
            *("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericRFI_BODY"),
            *("GenericLFI_BODY", "EC2MetaDataSSRF_BODY"),
        },
        "AWSManagedRulesSQLiRuleSet": {"SQLi_BODY", "SQLiExtendedPatterns_BODY"},
    }
    groups = {
        group["Name"]: group
        for rule in _web_acl_rules(template)
        if (group := rule["Statement"].get("ManagedRuleGroupStatement"))
    }
    counting = {
        name: {one["Name"] for one in group.get("RuleActionOverrides", []) if "Count" in one["ActionToUse"]}
        for name, group in groups.items()
    }
    missing = {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
    } - groups.keys()
    return [f"{name} is missing" for name in sorted(missing)] + [
        f"{name} would block by {sorted(rules - counting.get(name, set()))}"
        for name, rules in wanted.items()
        if rules - counting.get(name, set())
    ]


def the_web_acl_answers_in_our_shape(template: Template) -> list[str]:
    """What our own rules block is answered as the services answer: 429 with a time to wait, else 403."""
    bodies = template["Resources"]["WebAcl"]["Properties"].get("CustomResponseBodies", {})
    wrong = []
    for rule in _web_acl_rules(template):
        if "Action" not in rule:
            continue
        custom = rule["Action"]["Block"].get("CustomResponse", {})
        status = 429 if "RateBasedStatement" in rule["Statement"] else 403
        body = json.loads(bodies.get(custom.get("CustomResponseBodyKey"), {}).get("Content", "{}"))
        slug = str(body.get("title", "")).lower().replace(" ", "-")
        headers = {one["Name"] for one in custom.get("ResponseHeaders", [])}
        checks = {
            "status": custom.get("ResponseCode") == body.get("status") == status,
            "type": body.get("type") == f"/problems/{slug}",
            "time to wait": ("Retry-After" in headers) == (status == 429),
        }
        wrong += [f"{rule['Name']}: {check}" for check, holds in checks.items() if not holds]
    return wrong


def _web_acl_rules(template: Template) -> list[dict[str, Any]]:
    rules = template["Resources"]["WebAcl"]["Properties"]["Rules"]
    return [rule["Fn::If"][1] if "Fn::If" in rule else rule for rule in rules]
