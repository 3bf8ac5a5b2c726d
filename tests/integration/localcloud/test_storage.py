"""S3, KMS and CloudFormation keep what they promise."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import Cloud, unique, wait_for


def code_of(call: Callable[[], object]) -> str:
    """Return the code of the error that the call ends with."""
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_nothing_overwrites_an_object_that_must_not_exist(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"first", IfNoneMatch="*")
    source = {"Bucket": bucket, "Key": "a"}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="a", UploadId=upload, PartNumber=1, Body=b"second")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    attempts: list[Callable[[], object]] = [
        lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"second", IfNoneMatch="*"),
        lambda: s3.copy_object(Bucket=bucket, Key="a", CopySource=source, IfNoneMatch="*"),
        lambda: s3.complete_multipart_upload(
            Bucket=bucket, Key="a", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        ),
    ]
    assert [code_of(attempt) for attempt in attempts] == ["PreconditionFailed"] * 3
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"first"
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source, IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"first"


def test_a_copy_replaces_only_the_object_it_was_told_of(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    old = s3.put_object(Bucket=bucket, Key="a", Body=b"old")["ETag"]
    s3.put_object(Bucket=bucket, Key="source", Body=b"copied")
    copy = {"Bucket": bucket, "CopySource": {"Bucket": bucket, "Key": "source"}}
    assert code_of(lambda: s3.copy_object(Key="a", IfMatch='"other"', **copy)) == "PreconditionFailed"
    assert code_of(lambda: s3.copy_object(Key="absent", IfMatch=old, **copy)) == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"old"
    s3.copy_object(Key="a", IfMatch=old, **copy)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"copied"


def test_a_copy_is_made_only_of_the_source_it_was_told_of(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    source = s3.put_object(Bucket=bucket, Key="source", Body=b"copied")["ETag"]
    copy = {"Bucket": bucket, "Key": "a", "CopySource": {"Bucket": bucket, "Key": "source"}}
    hour = timedelta(hours=1)
    refused: list[dict[str, Any]] = [
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": source},
        {"CopySourceIfModifiedSince": datetime.now(UTC) + hour},
        {"CopySourceIfUnmodifiedSince": datetime.now(UTC) - hour},
    ]
    for condition in refused:
        assert code_of(partial(s3.copy_object, **copy, **condition)) == "PreconditionFailed", condition
    assert s3.list_objects_v2(Bucket=bucket, Prefix="a")["KeyCount"] == 0
    s3.copy_object(CopySourceIfMatch=source, CopySourceIfModifiedSince=datetime.now(UTC) - hour, **copy)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"copied"


def test_kms_without_a_key_of_ones_own_is_the_accounts_managed_key(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms")
    head = s3.head_object(Bucket=bucket, Key="a")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"].endswith(":alias/aws/s3")


def test_a_wrong_key_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("s3", aws_access_key_id="AKIAXXXXXXXXXXXXXXXX").list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_an_elliptic_curve_key_signs_and_verifies(cloud: Cloud) -> None:
    kms = cloud.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    what = {"KeyId": key, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    digest = hashlib.sha256(b"manifest").digest()
    signature = kms.sign(Message=digest, **what)["Signature"]
    assert kms.verify(Message=digest, Signature=signature, **what)["SignatureValid"]
    with pytest.raises(ClientError, match="KMSInvalidSignature"):
        kms.verify(Message=hashlib.sha256(b"other").digest(), Signature=signature, **what)


TEMPLATE: dict[str, Any] = {
    "Conditions": {"Never": {"Fn::Equals": [{"Ref": "AWS::Region"}, "nowhere"]}},
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "tidy",
                            "Status": "Enabled",
                            "Prefix": "jobs/",
                            "ExpirationInDays": 7,
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                        }
                    ]
                },
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True},
            },
        },
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True}},
        },
        "Absent": {"Type": "AWS::SNS::Topic", "Condition": "Never"},
    },
    "Outputs": {
        "Bucket": {"Value": {"Ref": "Bucket"}},
        "Table": {"Value": {"Ref": "Table"}},
        "Secret": {"Value": {"Ref": "Secret"}},
    },
}


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> dict[str, str]:
    """Outputs of a stack made from TEMPLATE."""
    client, name = cloud.client("cloudformation"), unique("stack")
    client.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))

    def made() -> Any:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
        assert "FAILED" not in found["StackStatus"], found
        return found if found["StackStatus"] == "CREATE_COMPLETE" else None

    outputs = wait_for(made)["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def test_a_table_of_a_template_expires_recovers_and_is_encrypted(cloud: Cloud, stack: dict[str, str]) -> None:
    dynamodb, table = cloud.client("dynamodb"), stack["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["Status"] == "ENABLED"


def test_a_bucket_of_a_template_has_its_lifecycle(cloud: Cloud, stack: dict[str, str]) -> None:
    rules = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=stack["Bucket"])["Rules"]
    assert rules[0]["ID"] == "tidy"
    assert rules[0]["Expiration"] == {"Days": 7}
    assert rules[0]["Filter"] == {"Prefix": "jobs/"}
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}


def test_a_generated_secret_obeys_its_rules_and_refers_by_arn(cloud: Cloud, stack: dict[str, str]) -> None:
    assert stack["Secret"].startswith("arn:aws:secretsmanager:")
    value = cloud.client("secretsmanager").get_secret_value(SecretId=stack["Secret"])["SecretString"]
    assert len(value) == 64
    assert value.isalnum()
