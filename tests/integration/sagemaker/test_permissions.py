"""IAM is enforced on both planes, on the resource's own ARN, and for the role that is passed."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import Cloud
from tests.integration.sagemaker.processing import describe, process, wait_for_end

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/sagemaker"


def user(cloud: Cloud, name: str, *grants: tuple[str, str]) -> Cloud:
    """Return clients of a user who may do exactly that."""
    cloud.iam.create_user(UserName=name)
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]
    statements += [{"Effect": "Allow", "Action": action, "Resource": arn} for action, arn in grants]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cloud.iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
    key = cloud.iam.create_access_key(UserName=name)["AccessKey"]
    return Cloud(cloud.url, key["AccessKeyId"], key["SecretAccessKey"])


def denial(call, **request) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    return str(error.value.response["Error"]["Message"])


def test_invoking_needs_a_grant_on_that_very_endpoint(cloud):
    caller = user(cloud, "invoker", ("sagemaker:InvokeEndpoint", f"{ARN}:endpoint/mine"))
    assert "sagemaker:InvokeEndpoint" in denial(
        caller.runtime.invoke_endpoint, EndpointName="theirs", Body=b"x"
    )
    with pytest.raises(ClientError, match="Endpoint mine of account 000000000000 not found"):
        caller.runtime.invoke_endpoint(EndpointName="mine", Body=b"x")


def test_describing_a_job_needs_a_grant_on_that_job(cloud):
    caller = user(cloud, "reader", ("sagemaker:DescribeTrainingJob", f"{ARN}:training-job/mine-*"))
    assert "sagemaker:DescribeTrainingJob" in denial(
        caller.sagemaker.describe_training_job, TrainingJobName="theirs-1"
    )
    with pytest.raises(ClientError, match="Requested resource not found"):
        caller.sagemaker.describe_training_job(TrainingJobName="mine-1")


def test_a_job_cannot_be_given_a_role_its_creator_may_not_pass(cloud):
    create = ("sagemaker:CreateTrainingJob", f"{ARN}:training-job/*")
    unable = user(cloud, "unable", create)
    words = denial(lambda: unable.train("smuggled", "pass"))
    assert f"is not authorized to perform: iam:PassRole on resource: {ROLE}" in words
    able = user(cloud, "able", create, ("iam:PassRole", ROLE))
    able.train("allowed", "pass")
    assert cloud.wait_for_job("allowed")["TrainingJobStatus"] == "Completed"


def test_naming_tags_in_a_create_request_needs_add_tags(cloud):
    grants = (("sagemaker:CreateTrainingJob", f"{ARN}:training-job/*"), ("iam:PassRole", ROLE))
    caller = user(cloud, "tagless", *grants)
    words = denial(lambda: caller.train("tagged", "pass", Tags=[{"Key": "a", "Value": "b"}]))
    assert "sagemaker:AddTags" in words


def test_processing_jobs_need_grants_on_their_arn_and_on_the_role_they_are_given(cloud):
    create = ("sagemaker:CreateProcessingJob", f"{ARN}:processing-job/mine-*")
    unable = user(cloud, "processing-unable", create)
    assert "sagemaker:CreateProcessingJob" in denial(lambda: process(unable, "theirs-1", "pass"))
    assert f"iam:PassRole on resource: {ROLE}" in denial(lambda: process(unable, "mine-1", "pass"))
    able = user(cloud, "processing-able", create, ("iam:PassRole", ROLE))
    process(able, "mine-2", "pass")
    assert wait_for_end(cloud, "mine-2")["ProcessingJobStatus"] == "Completed"
    assert "DescribeProcessingJob" in denial(lambda: describe(able, "mine-2"))
