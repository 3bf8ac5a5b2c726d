"""What holds data: buckets, tables, queues, the signing key, secrets. CloudFormation keeps most of it on purpose."""

from collections.abc import Iterator
from typing import Any

from infra.calls import Call
from infra.removal.kinds import is_of_stage, pages, removed_by
from infra.stage import Stage
from infra.tags import STAGE_TAG

_NO_BUCKET = ("NoSuchBucket",)
# Until then somebody may still cancel it: the least that KMS gives.
KEY_WINDOW_DAYS = 7
_KEY_IS_GONE = {"PendingDeletion", "PendingReplicaDeletion"}


def find_buckets(stage: Stage) -> list[str]:
    """Return the buckets."""
    prefix = f"headrace-{stage.name}-{stage.account}-"
    found = pages(stage.client("s3"), "list_buckets", Prefix=prefix)
    names = (bucket["Name"] for page in found for bucket in page["Buckets"])
    return sorted(name for name in names if name.startswith(prefix))


def remove_bucket(stage: Stage, name: str) -> Iterator[Call]:
    """Empty a bucket of every version, marker and unfinished upload, then delete it."""
    s3 = stage.client("s3")
    for page in pages(s3, "list_object_versions", Bucket=name):
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        if objects:
            request = {"Bucket": name, "Delete": {"Objects": objects, "Quiet": True}}
            yield Call(
                what=f"{len(objects)} versions in {name}",
                service="s3",
                operation="delete_objects",
                request=request,
                done_if=_NO_BUCKET,
            )
    for page in pages(s3, "list_multipart_uploads", Bucket=name):
        for upload in page.get("Uploads", []):
            request = {"Bucket": name, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            yield Call(
                what=f"unfinished {upload['Key']}",
                service="s3",
                operation="abort_multipart_upload",
                request=request,
                done_if=("NoSuchUpload", *_NO_BUCKET),
            )
    yield Call(
        what=name, service="s3", operation="delete_bucket", request={"Bucket": name}, done_if=_NO_BUCKET
    )


def find_tables(stage: Stage) -> list[str]:
    """Return the tables."""
    found = pages(stage.client("dynamodb"), "list_tables")
    return [name for page in found for name in page["TableNames"] if is_of_stage(stage, name)]


def remove_table(stage: Stage, name: str) -> Iterator[Call]:
    """Delete a table, first taking off the protection that `prod` has."""
    gone = ("ResourceNotFoundException",)
    table = stage.client("dynamodb").describe_table(TableName=name)["Table"]
    if table.get("DeletionProtectionEnabled"):
        request = {"TableName": name, "DeletionProtectionEnabled": False}
        yield Call(
            what=f"protection of {name}",
            service="dynamodb",
            operation="update_table",
            request=request,
            done_if=gone,
        )
        stage.client("dynamodb").get_waiter("table_exists").wait(TableName=name)
    yield Call(
        what=name, service="dynamodb", operation="delete_table", request={"TableName": name}, done_if=gone
    )
    stage.client("dynamodb").get_waiter("table_not_exists").wait(
        TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
    )


def find_queues(stage: Stage) -> list[str]:
    """Return the addresses of the dead-letter queues."""
    found = pages(stage.client("sqs"), "list_queues", QueueNamePrefix=f"headrace-{stage.name}-")
    return [url for page in found for url in page.get("QueueUrls", [])]


def remove_queue(_: Stage, name: str) -> Iterator[Call]:
    """Delete a queue with its messages."""
    gone = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    yield Call(
        what=name.rpartition("/")[2],
        service="sqs",
        operation="delete_queue",
        request={"QueueUrl": name},
        done_if=gone,
    )


def find_topics(stage: Stage) -> list[str]:
    """Return the ARNs of the topics."""
    found = pages(stage.client("sns"), "list_topics")
    arns = (topic["TopicArn"] for page in found for topic in page["Topics"])
    return [arn for arn in arns if is_of_stage(stage, arn.rpartition(":")[2])]


remove_topic = removed_by("sns", "delete_topic", "TopicArn", "NotFound")


def find_secrets(stage: Stage) -> list[str]:
    """Return the names of the secrets."""
    prefix = f"headrace-{stage.name}-"
    filters = [{"Key": "name", "Values": [prefix]}]
    found = pages(stage.client("secretsmanager"), "list_secrets", Filters=filters)
    return [one["Name"] for page in found for one in page["SecretList"] if is_of_stage(stage, one["Name"])]


# At once: within a recovery window its name could not be used again.
remove_secret = removed_by(
    "secretsmanager",
    "delete_secret",
    "SecretId",
    "ResourceNotFoundException",
    ForceDeleteWithoutRecovery=True,
)


def find_keys(stage: Stage) -> list[str]:
    """Return the ids of the signing keys that nothing has scheduled for deletion yet."""
    kms = stage.client("kms")
    ids = {*_aliased(stage, kms), *_tagged_keys(stage)}
    return [one for one in sorted(ids) if not is_waiting_to_go(stage, one)]


def is_waiting_to_go(stage: Stage, key: str) -> bool:
    """Say whether a key is scheduled for deletion: it costs nothing any more, and only KMS can end it."""
    state = stage.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return state in _KEY_IS_GONE


def remove_key(_: Stage, name: str) -> Iterator[Call]:
    """Schedule a key for deletion; KMS deletes none at once."""
    request = {"KeyId": name, "PendingWindowInDays": KEY_WINDOW_DAYS}
    yield Call(
        what=f"{name}, in {KEY_WINDOW_DAYS} days",
        service="kms",
        operation="schedule_key_deletion",
        request=request,
        done_if=("NotFoundException",),
    )


def find_aliases(stage: Stage) -> list[str]:
    """Return the aliases of keys."""
    found = pages(stage.client("kms"), "list_aliases")
    names = (alias["AliasName"] for page in found for alias in page["Aliases"])
    return [name for name in names if is_of_stage(stage, name.removeprefix("alias/"))]


remove_alias = removed_by("kms", "delete_alias", "AliasName", "NotFoundException")


def _aliased(stage: Stage, kms: Any) -> list[str]:
    return [
        alias["TargetKeyId"]
        for page in pages(kms, "list_aliases")
        for alias in page["Aliases"]
        if is_of_stage(stage, alias["AliasName"].removeprefix("alias/"))
    ]


def _tagged_keys(stage: Stage) -> list[str]:
    """Return the keys whose alias is gone."""
    tags = [{"Key": STAGE_TAG, "Values": [stage.name]}]
    found = pages(
        stage.client("resourcegroupstaggingapi"),
        "get_resources",
        TagFilters=tags,
        ResourceTypeFilters=["kms:key"],
    )
    arns = (one["ResourceARN"] for page in found for one in page["ResourceTagMappingList"])
    return [arn.rpartition("/")[2] for arn in arns]
