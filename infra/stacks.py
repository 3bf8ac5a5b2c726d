"""CloudFormation stacks: create, update or leave alone, by one fingerprint."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from infra.errors import StackFailed

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
# A stack whose very first creation failed can only be deleted.
_STILLBORN = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"}
_TIMEOUT_S = 1800.0
_NO_CHANGE = "No updates are to be performed"


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack as it now is; `changed` says whether this call made it so."""

    name: str
    outputs: dict[str, str]
    changed: bool


def deploy_stack(
    cloudformation: Any,
    name: str,
    template: Path,
    parameters: Mapping[str, str],
    *,
    tags: Sequence[Mapping[str, str]] = (),
    poll_s: float = 3.0,
) -> Stack:
    """Bring stack *name* to *template* and *parameters*; CloudFormation hands *tags* on to its resources.

    The stack keeps their digest as its output `Fingerprint`: when it is equal, one describe is all that happens.

    Raises
    ------
    StackFailed
        Names the first resource that failed and CloudFormation's reason.
    """
    body = template.read_text()
    mark = fingerprint(body, parameters, tags)
    found = _settled(cloudformation, name, poll_s)
    if found is not None and found["StackStatus"] in _STILLBORN:
        cloudformation.delete_stack(StackName=name)
        _settled(cloudformation, name, poll_s)
        found = None
    if found is not None and _outputs(found).get("Fingerprint") == mark:
        return Stack(name=name, outputs=_public(found), changed=False)
    request = {
        "StackName": name,
        "TemplateBody": body,
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters({**parameters, "Fingerprint": mark}),
        "Tags": list(tags),
    }
    changed = _create_or_update(cloudformation, request, exists=found is not None)
    return Stack(name=name, outputs=_public(_succeeded(cloudformation, name, poll_s)), changed=changed)


def await_deletion(cloudformation: Any, name: str, *, poll_s: float = 10.0) -> None:
    """Wait until the stack is gone.

    Raises
    ------
    StackFailed
        Names the first resource that would not go and CloudFormation's reason.
    """
    if (left := _settled(cloudformation, name, poll_s)) is not None:
        raise StackFailed(f"stack {name} is {left['StackStatus']}: {_first_failure(cloudformation, name)}")


def stack_outputs(cloudformation: Any, name: str) -> dict[str, str] | None:
    """Return the outputs of stack *name*, None where there is no such stack."""
    found = _describe(cloudformation, name)
    return _public(found) if found is not None else None


def fingerprint(body: str, parameters: Mapping[str, str], tags: Sequence[Mapping[str, str]] = ()) -> str:
    """Return the digest of a template, its parameters and tags; it gives nothing of a secret one away."""
    text = msgspec.json.encode([body, dict(parameters), *tags], order="sorted")
    return hashlib.sha256(text).hexdigest()[:32]


def _create_or_update(cloudformation: Any, request: dict[str, Any], *, exists: bool) -> bool:
    from botocore.exceptions import ClientError

    if not exists:
        cloudformation.create_stack(**request)
        return True
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if _NO_CHANGE in str(error):
            return False
        raise
    return True


def _succeeded(cloudformation: Any, name: str, poll_s: float) -> dict[str, Any]:
    stack = _settled(cloudformation, name, poll_s)
    if stack is None or stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        status = stack["StackStatus"] if stack else "gone"
        raise StackFailed(f"stack {name} is {status}: {_first_failure(cloudformation, name)}")
    return stack


def _settled(cloudformation: Any, name: str, poll_s: float) -> dict[str, Any] | None:
    """Wait until nothing is in progress and return the stack, None where there is none."""
    deadline = time.monotonic() + _TIMEOUT_S
    pause_s = 0.02  # the local cloud is done at once, AWS after minutes
    while (stack := _describe(cloudformation, name)) is not None and _is_moving(stack):
        if time.monotonic() > deadline:
            status = stack["StackStatus"]
            raise StackFailed(f"stack {name} is still {status} after {_TIMEOUT_S:.0f} s: look at its events")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, poll_s)
    return stack


def _is_moving(stack: dict[str, Any]) -> bool:
    status = stack["StackStatus"]
    return status.endswith("IN_PROGRESS") and status not in _STILLBORN


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _first_failure(cloudformation: Any, name: str) -> str:
    """Return the cause: what was refused before anything began, else what failed first, not what it took along."""
    refused = cloudformation.describe_events(StackName=name, Filters={"FailedEvents": True})[
        "OperationEvents"
    ]
    for event in refused:
        if event.get("ValidationStatus") == "FAILED":
            return (
                f"{event['LogicalResourceId']} ({event['ResourceType']}): {event['ValidationStatusReason']}"
            )
    first = "no reason given; look at the stack's events"
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        reason = event.get("ResourceStatusReason", "")
        if event["LogicalResourceId"] == name:
            if reason == "User Initiated":  # events come newest first: the rest is of older operations
                return first
        elif event["ResourceStatus"].endswith("FAILED") and "cancelled" not in reason:
            first = f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    return first


def _parameters(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())]


def _outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _public(stack: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in _outputs(stack).items() if name != "Fingerprint"}
