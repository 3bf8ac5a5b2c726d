"""What AWS refuses a command ends it with one line that says what to do, and with the documented exit code."""

from collections.abc import Callable

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ParamValidationError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
)

from headrace.failures import Failure, Unreachable
from headrace.operate.project import told_in_one_line
from headrace.operate.refusals import Refusal, Remedy
from infra.errors import StackFailed
from shared.errors import Broken, Unavailable


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "told"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Do"
    )


REMEDIES = {
    "AccessDenied": Remedy.PERMIT,
    "UnauthorizedOperation": Remedy.PERMIT,
    "ExpiredToken": Remedy.LOG_IN,
    "UnrecognizedClientException": Remedy.LOG_IN,
    "ThrottlingException": Remedy.AGAIN,
    "TooManyRequestsException": Remedy.AGAIN,
    "ResourceConflictException": Remedy.AGAIN,
    "ResourceInUseException": Remedy.AGAIN,
    "InternalFailure": Remedy.AGAIN,
    "LimitExceeded": Remedy.RAISE_LIMIT,
    "ResourceLimitExceeded": Remedy.RAISE_LIMIT,
    "TooManyBuckets": Remedy.RAISE_LIMIT,
    "ValidationException": Remedy.LOOK,
    "NobodyForesawThis": Remedy.LOOK,
}


def told(error: Exception) -> Failure:
    with pytest.raises(Failure) as ended, told_in_one_line():
        raise error
    assert "\n" not in ended.value.message
    return ended.value


@pytest.mark.parametrize("code", REMEDIES)
def test_an_answer_of_aws_is_told_with_its_code_and_what_to_do(code: str) -> None:
    failure = told(refused(code))
    assert isinstance(failure, Refusal)
    assert failure.exit_code == 1
    assert failure.message == (
        f"An error occurred ({code}) when calling the Do operation: told. What to do: {REMEDIES[code].value}."
    )


def test_a_failure_of_aws_by_its_status_alone_is_to_be_tried_again() -> None:
    failure = told(refused("503", 503))
    assert isinstance(failure, Refusal)
    assert failure.remedy is Remedy.AGAIN


@pytest.mark.parametrize("kind", [ConnectTimeoutError, ReadTimeoutError])
def test_nobody_there_is_unreachable(kind: Callable[..., Exception]) -> None:
    failure = told(kind(endpoint_url="https://aws.example"))
    assert isinstance(failure, Unreachable)
    assert failure.exit_code == 5
    assert "What to do: see that the network is up" in failure.message


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        ProfileNotFound(profile="x"),
        TokenRetrievalError(provider="sso", error_msg="gone"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_credentials_that_are_not_there_are_to_be_got(error: Exception) -> None:
    failure = told(error)
    assert isinstance(failure, Refusal)
    assert failure.remedy is Remedy.LOG_IN


def test_a_request_that_botocore_does_not_send_is_told_in_one_line() -> None:
    failure = told(ParamValidationError(report="a\nb"))
    assert failure.message.startswith("Parameter validation failed: a b. What to do:")


@pytest.mark.parametrize(
    ("error", "remedy"), [(Unavailable("busy"), Remedy.AGAIN), (Broken("the table is gone"), Remedy.LOOK)]
)
def test_what_our_own_client_was_refused_is_no_traceback_of_a_command(
    error: Exception, remedy: Remedy
) -> None:
    failure = told(error)
    assert isinstance(failure, Refusal)
    assert failure.remedy is remedy


def test_several_lines_of_a_deployment_become_one() -> None:
    assert told(StackFailed("stack x is ROLLED BACK:\n  a bucket")).message == (
        "stack x is ROLLED BACK: a bucket"
    )
