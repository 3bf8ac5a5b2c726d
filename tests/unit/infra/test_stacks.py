from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import StackFailed
from infra.stacks import deploy_stack, fingerprint


class CloudFormation:
    """A CloudFormation with one stack; `ends_as` is what its next operation leads to."""

    def __init__(self, status: str | None = None, mark: str = "", ends_as: str = "") -> None:
        self.status, self.mark, self.ends_as = status, mark, ends_as
        self.calls: list[str] = []
        self.events: list[dict[str, str]] = []
        self.refused: list[dict[str, str]] = []
        self.has_updates = True

    def describe_stacks(self, **_: Any) -> Any:
        if self.status is None:
            raise _error("Stack with id x does not exist")
        status = self.status
        if status == "CREATE_IN_PROGRESS":
            self.status = self.ends_as or "CREATE_COMPLETE"
        if status == "DELETE_IN_PROGRESS":
            self.status = None
        outputs = [
            {"OutputKey": "Fingerprint", "OutputValue": self.mark},
            {"OutputKey": "A", "OutputValue": "1"},
        ]
        return {"Stacks": [{"StackStatus": status, "Outputs": outputs}]}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": self.events}

    def describe_events(self, **_: Any) -> Any:
        return {"OperationEvents": self.refused}

    def create_stack(self, **request: Any) -> None:
        self.calls.append("create")
        self.status = "CREATE_IN_PROGRESS"
        self.mark = _mark_of(request)

    def update_stack(self, **request: Any) -> None:
        self.calls.append("update")
        if not self.has_updates:
            raise _error("No updates are to be performed.")
        self.status = self.ends_as or "UPDATE_COMPLETE"
        self.mark = _mark_of(request)

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete")
        self.status = "DELETE_IN_PROGRESS"


def _mark_of(request: dict[str, Any]) -> str:
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in request["Parameters"]}
    mark: str = parameters["Fingerprint"]
    return mark


def _error(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "x.yaml"
    path.write_text("Resources: {}\n")
    return path


def test_a_new_stack_is_created_and_waited_for(template: Path) -> None:
    cloud = CloudFormation()
    stack = deploy_stack(cloud, "x", template, {"Stage": "dev"})
    assert (stack.changed, stack.outputs, cloud.calls) == (True, {"A": "1"}, ["create"])


def test_an_unchanged_stack_is_only_described(template: Path) -> None:
    cloud = CloudFormation()
    deploy_stack(cloud, "x", template, {"Stage": "dev"})
    assert deploy_stack(cloud, "x", template, {"Stage": "dev"}).changed is False
    assert cloud.calls == ["create"]


@pytest.mark.parametrize("change", ["template", "parameter"])
def test_another_template_or_parameter_is_an_update(template: Path, change: str) -> None:
    cloud = CloudFormation()
    deploy_stack(cloud, "x", template, {"Stage": "dev"})
    if change == "template":
        template.write_text("Resources: {A: {}}\n")
    stack = deploy_stack(cloud, "x", template, {"Stage": "dev" if change == "template" else "qa"})
    assert (stack.changed, cloud.calls) == (True, ["create", "update"])


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_was_never_born_is_deleted_and_made_anew(template: Path, status: str) -> None:
    cloud = CloudFormation(status=status)
    assert deploy_stack(cloud, "x", template, {}).changed is True
    assert cloud.calls == ["delete", "create"]


def test_a_failed_operation_is_blamed_on_the_resource_that_failed_first(template: Path) -> None:
    cloud = CloudFormation(status="UPDATE_COMPLETE", ends_as="UPDATE_ROLLBACK_COMPLETE")
    cloud.events = [  # newest first, as CloudFormation tells them
        _event("x", "UPDATE_ROLLBACK_COMPLETE"),
        _event("Third", "CREATE_FAILED", "Resource creation cancelled"),
        _event("Second", "UPDATE_FAILED", "also bad"),
        _event("First", "UPDATE_FAILED", "the bucket name is taken"),
        _event("x", "UPDATE_IN_PROGRESS", "User Initiated"),
        _event("Old", "CREATE_FAILED", "from last week"),
    ]
    with pytest.raises(StackFailed, match=r"First \(AWS::S3::Bucket\): the bucket name is taken"):
        deploy_stack(cloud, "x", template, {})


def _event(resource: str, status: str, reason: str = "") -> dict[str, str]:
    return {
        "LogicalResourceId": resource,
        "ResourceType": "AWS::S3::Bucket",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_what_was_refused_before_it_began_is_blamed_first(template: Path) -> None:
    cloud = CloudFormation(ends_as="ROLLBACK_COMPLETE")
    cloud.events = [_event("x", "CREATE_FAILED", "Validation failed with 1 error(s)")]
    cloud.refused = [
        {
            "LogicalResourceId": "Second",
            "ResourceType": "AWS::S3::Bucket",
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": "the name is taken",
        }
    ]
    with pytest.raises(StackFailed, match=r"Second \(AWS::S3::Bucket\): the name is taken"):
        deploy_stack(cloud, "x", template, {})


def test_an_update_without_effect_is_no_change(template: Path) -> None:
    cloud = CloudFormation(status="UPDATE_COMPLETE")
    cloud.has_updates = False
    assert deploy_stack(cloud, "x", template, {}).changed is False


def test_the_fingerprint_tells_apart_what_looks_alike() -> None:
    marks = {
        fingerprint("a", {}),
        fingerprint("a", {"b": ""}),
        fingerprint("", {"a": ""}),
        fingerprint("a", {"": "b"}),
    }
    assert len(marks) == 4


def test_the_fingerprint_does_not_hold_a_secret_parameter() -> None:
    assert "hush" not in fingerprint("a", {"OriginSecret": "hush"})
