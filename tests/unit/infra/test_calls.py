"""Sending planned calls: what AWS says late, twice or by half."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.calls import Call, send
from infra.errors import CallRefused

CALL = Call(what="dead letters", service="any", operation="do", request={})


class OneService:
    """Answers the calls one after the other; an error code is raised."""

    def __init__(self, *answers: dict[str, Any] | str) -> None:
        self._answers = list(answers)

    def client(self, _: str, region: str | None = None) -> "OneService":
        return self

    def do(self) -> dict[str, Any]:
        answer = self._answers.pop(0)
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, "Do")
        return answer


def send_to(*answers: dict[str, Any] | str) -> list[str]:
    stage: Any = OneService(*answers)
    return send(stage, [CALL])


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "ResourceConflictException"])
def test_a_call_that_comes_too_early_is_sent_again(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert send_to(code, {}) == ["dead letters"]


def test_a_log_group_that_its_function_made_meanwhile_is_no_error() -> None:
    assert send_to("ResourceAlreadyExistsException") == ["dead letters"]


def test_any_other_error_ends_the_deployment() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        send_to("AccessDenied")


def test_a_target_that_eventbridge_refuses_in_a_successful_answer_is_an_error() -> None:
    entry = {"TargetId": "1", "ErrorCode": "E", "ErrorMessage": "queue is not there"}
    with pytest.raises(CallRefused, match="queue is not there"):
        send_to({"FailedEntryCount": 1, "FailedEntries": [entry]})
