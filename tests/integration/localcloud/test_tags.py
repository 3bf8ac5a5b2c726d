"""The tagging API finds, by one tag, what a stage consists of: whatever service keeps it."""

from collections.abc import Callable

import pytest

from tests.integration.localcloud.cloud import Cloud, unique

KEY = "stage"
Make = Callable[[Cloud, str], str]


def arns(cloud: Cloud, value: str, **options: str) -> list[str]:
    """Return what carries the tag."""
    client = cloud.client("resourcegroupstaggingapi", **options)
    pages = client.get_paginator("get_resources").paginate(TagFilters=[{"Key": KEY, "Values": [value]}])
    return [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]


def make_api(cloud: Cloud, value: str) -> str:
    made = cloud.client("apigateway").create_rest_api(name=unique("api"), tags={KEY: value})
    return f"arn:aws:apigateway:us-east-1::/restapis/{made['id']}"


def make_log_group(cloud: Cloud, value: str) -> str:
    name = f"/tests/{value}"
    cloud.client("logs").create_log_group(logGroupName=name, tags={KEY: value})
    return f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"


def make_secret(cloud: Cloud, value: str) -> str:
    tags = [{"Key": KEY, "Value": value}]
    made = cloud.client("secretsmanager").create_secret(Name=value, SecretString="s", Tags=tags)
    return str(made["ARN"])


def make_package_group(cloud: Cloud, value: str) -> str:
    tags = [{"Key": KEY, "Value": value}]
    request = {"ModelPackageGroupName": value, "Tags": tags}
    return str(cloud.client("sagemaker").create_model_package_group(**request)["ModelPackageGroupArn"])


def remove(cloud: Cloud, arn: str, value: str) -> None:
    {
        "apigateway": lambda: cloud.client("apigateway").delete_rest_api(restApiId=arn.rpartition("/")[2]),
        "logs": lambda: cloud.client("logs").delete_log_group(logGroupName=f"/tests/{value}"),
        "secretsmanager": lambda: cloud.client("secretsmanager").delete_secret(
            SecretId=value, ForceDeleteWithoutRecovery=True
        ),
        "sagemaker": lambda: cloud.client("sagemaker").delete_model_package_group(
            ModelPackageGroupName=value
        ),
    }[arn.split(":")[2]]()


@pytest.mark.parametrize("make", [make_api, make_log_group, make_secret, make_package_group])
def test_a_tagged_resource_is_found_by_its_tag_in_its_region_until_it_is_gone(
    cloud: Cloud, make: Make
) -> None:
    value = unique("tagged")
    arn = make(cloud, value)
    assert arns(cloud, value) == [arn]
    assert arns(cloud, f"{value}-else") == []
    assert arns(cloud, value, region_name="eu-west-1") == []
    remove(cloud, arn, value)
    assert arns(cloud, value) == []
