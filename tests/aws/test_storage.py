"""Buckets, tables, keys and queues are as the template says, also where the local cloud drops what it says."""

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Deployed, policy_statements

pytestmark = pytest.mark.aws


def test_no_bucket_can_be_made_public(deployed: Deployed) -> None:
    s3 = deployed.aws("s3")
    for bucket in deployed.buckets():
        blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert all(blocked.values()), bucket


def test_every_bucket_refuses_what_does_not_come_over_tls(deployed: Deployed) -> None:
    s3 = deployed.aws("s3")
    for bucket in deployed.buckets():
        statements = policy_statements(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        denials = [one["Condition"] for one in statements if one["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denials, bucket


def test_every_bucket_is_encrypted(on_aws: Deployed) -> None:
    s3 = on_aws.aws("s3")
    for bucket in on_aws.buckets():
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}, bucket


def test_uploads_and_models_are_versioned(deployed: Deployed) -> None:
    s3 = deployed.aws("s3")
    for name in ("IncomingBucket", "ModelsBucket"):
        assert s3.get_bucket_versioning(Bucket=deployed.outputs[name])["Status"] == "Enabled", name


def test_unfinished_uploads_are_removed_by_a_lifecycle(deployed: Deployed) -> None:
    rules = deployed.aws("s3").get_bucket_lifecycle_configuration(Bucket=deployed.outputs["IncomingBucket"])
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules["Rules"])


def test_an_immutable_object_cannot_be_written_twice(deployed: Deployed) -> None:
    s3, where = deployed.aws("s3"), {"Bucket": deployed.outputs["DataBucket"], "Key": "batch/probe/in"}
    try:
        s3.put_object(**where, Body=b"first", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(**where, Body=b"second", IfNoneMatch="*")
        assert s3.get_object(**where)["Body"].read() == b"first"
    finally:
        s3.delete_object(**where)


def test_every_table_can_be_restored_to_any_second(on_aws: Deployed) -> None:
    dynamodb = on_aws.aws("dynamodb")
    for table in on_aws.tables():
        told = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED", table


def test_every_table_is_encrypted_and_paid_by_request(on_aws: Deployed) -> None:
    dynamodb = on_aws.aws("dynamodb")
    for table in on_aws.tables():
        told = dynamodb.describe_table(TableName=table)["Table"]
        assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST", table
        assert told["SSEDescription"]["Status"] == "ENABLED", table


def test_predictions_and_kept_answers_expire(deployed: Deployed) -> None:
    dynamodb = deployed.aws("dynamodb")
    for name in ("PredictionsTable", "IdempotencyTable"):
        told = dynamodb.describe_time_to_live(TableName=deployed.outputs[name])["TimeToLiveDescription"]
        assert told["TimeToLiveStatus"] == "ENABLED", name


def test_the_key_of_manifests_signs_and_does_nothing_else(deployed: Deployed) -> None:
    told = deployed.aws("kms").describe_key(KeyId=deployed.outputs["SigningKeyArn"])["KeyMetadata"]
    assert (told["KeyUsage"], told["KeySpec"], told["Enabled"]) == ("SIGN_VERIFY", "ECC_NIST_P256", True)


def test_dead_letters_are_encrypted_and_stay_two_weeks(deployed: Deployed) -> None:
    sqs = deployed.aws("sqs")
    for service in ("Ingest", "Training", "Inference"):
        name = deployed.outputs[f"{service}DeadLettersArn"].rpartition(":")[2]
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert told["MessageRetentionPeriod"] == "1209600", name
        assert told.get("SqsManagedSseEnabled") == "true", name
