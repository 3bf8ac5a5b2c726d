"""Calls about one log group, as plain data: it is made, expires, and is under the stage's own key where it has one."""

from infra.calls import Call

DAYS = 30


def creation(group: str, own_key: str) -> Call:
    """Return the call that makes a group, encrypted with the key unless that is empty."""
    request = {"logGroupName": group, **({"kmsKeyId": own_key} if own_key else {})}
    return Call(what=f"log group {group}", service="logs", operation="create_log_group", request=request)


def retention(group: str) -> Call:
    """Return the call that lets lines expire."""
    request = {"logGroupName": group, "retentionInDays": DAYS}
    return Call(
        what=f"{DAYS} days of {group}", service="logs", operation="put_retention_policy", request=request
    )


def encryption(group: str, own_key: str) -> Call:
    """Return the call that encrypts what a group gets from now on."""
    request = {"logGroupName": group, "kmsKeyId": own_key}
    return Call(what=f"own key of {group}", service="logs", operation="associate_kms_key", request=request)
