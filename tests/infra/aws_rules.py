"""Rules that only AWS itself would enforce: a template that breaks one still deploys to the local cloud."""

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
