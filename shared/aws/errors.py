"""From AWS's refusals to our errors, whoever carried them: our own client or botocore."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shared.errors import (
    Broken,
    ConditionFailed,
    Conflict,
    HeadraceError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    TimedOut,
    Unavailable,
)

# What a refusal says is for people to read, and comes from outside.
_MESSAGE_LENGTH = 1000

# Whoever asks again may be answered: throttles, failures of the service, two who change one thing at once.
PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConflictException",
        "DependencyTimeoutException",
        "EC2ThrottledException",
        "InternalDependencyException",
        "InternalError",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestAbortedException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
# Whoever asks again hears it again: the stage lacks something that an operator must give it, or our call is wrong.
LASTING = frozenset(
    {
        # HeadObject has no body to carry a code.
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "DecryptionFailure",
        "DisabledException",
        "DryRunOperationException",
        "IdempotentParameterMismatchException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidGrantTokenException",
        "InvalidKeyUsageException",
        "InvalidParameterException",
        "InvalidRequestException",
        "ItemCollectionSizeLimitExceededException",
        "KMSInvalidStateException",
        "MalformedHttpRequestException",
        "NoSuchBucket",
        "NotAuthorized",
        "NotFoundException",
        "OptInRequired",
        "PermanentRedirect",
        "RequestEntityTooLargeException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationError",
        "ValidationException",
    }
)
# By code and not by exception class: botocore makes those per client, and two services may share a code.
_ERRORS: dict[str, type[HeadraceError]] = {
    "ConditionalCheckFailedException": ConditionFailed,
    "TransactionCanceledException": ConditionFailed,
    "PreconditionFailed": PreconditionFailed,
    # S3: another conditional write of the key was under way; the outcome is open, so try again.
    "ConditionalRequestConflict": Unavailable,
    "NoSuchKey": NotFound,
    "NoSuchVersion": NotFound,
    "ResourceNotFound": NotFound,
    # HeadObject has no body to carry a code.
    "404": NotFound,
    "ResourceInUse": Conflict,
    "ResourceLimitExceeded": QuotaExceeded,
    # Of the function, not of a caller: the next environment has new ones.
    "ExpiredToken": Unavailable,
    "ExpiredTokenException": Unavailable,
    "RequestExpired": Unavailable,
    **dict.fromkeys(PASSING, Unavailable),
    **dict.fromkeys(LASTING, Broken),
}


class AwsRefusal(Exception):
    """A service answered no: its code, HTTP status, sentence and further members of the answer."""

    def __init__(
        self, code: str, message: str, status: int, members: Mapping[str, Any] | None = None
    ) -> None:
        self.code = code
        self.message = message[:_MESSAGE_LENGTH]
        self.status = status
        self.members = members or {}
        super().__init__(f"{self.message} ({code}, {status})")


class NoAnswer(Exception):
    """The connection failed, broke or stayed silent (``is_late``); whether the call was carried out is open."""

    def __init__(self, message: str, *, is_late: bool = False) -> None:
        self.is_late = is_late
        super().__init__(message)


@contextmanager
def aws_errors(what: str, further: Mapping[str, type[HeadraceError]] | None = None) -> Iterator[None]:
    """Raise our errors for those of AWS inside the block; *what* names the call and its resource.

    A transaction cancelled by a conflict or throttle is retryable; only a failed check is a lost condition.
    Every error that AWS documents for our calls is known here or in *further* (docs/reference/aws-errors.md); any other
    passes through unchanged, and the retries and dead letters are for it.
    """
    try:
        yield
    except AwsRefusal as refusal:
        raise _ours(what, refusal, further or {}) from refusal
    except NoAnswer as error:
        kind = TimedOut if error.is_late else Unavailable
        raise kind(f"{what}: {error}") from error
    except _botocore_errors() as error:
        raise _of_botocore(what, error, further or {}) from error


# For sagemaker_errors where something is created: what is not found then is what the request names.
CREATING: Mapping[str, type[HeadraceError]] = {"ResourceNotFound": InvalidRequest}


@contextmanager
def sagemaker_errors(
    what: str, *, absent: str, further: Mapping[str, type[HeadraceError]] | None = None
) -> Iterator[None]:
    """Raise our errors as :func:`aws_errors` does, and tell the two meanings of ValidationException apart.

    SageMaker answers an unknown name with it, not with ResourceNotFound, and a request it does not allow too: a
    message with the text *absent* is :class:`NotFound`, any other :class:`InvalidRequest`.
    """
    with aws_errors(what, further), _told_by_words(what, absent):
        yield


@contextmanager
def _told_by_words(what: str, absent: str) -> Iterator[None]:
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        message = error.response["Error"].get("Message", "")
        kind = NotFound if absent in message else InvalidRequest
        raise kind(f"{what}: {message}") from error
    except ParamValidationError as error:
        raise InvalidRequest(f"{what}: {error}") from error


def _ours(what: str, refusal: AwsRefusal, further: Mapping[str, type[HeadraceError]]) -> Exception:
    """Return our error for *refusal*, or itself where we know none."""
    kind = further.get(refusal.code) or _ERRORS.get(refusal.code)
    if refusal.code == "TransactionCanceledException" and not _failed_check(refusal.members):
        kind = Unavailable
    if kind is None and refusal.status >= 500:
        kind = Unavailable
    return kind(f"{what}: {refusal.message} ({refusal.code})") if kind else refusal


def _failed_check(members: Mapping[str, Any]) -> bool:
    """Say whether a cancelled transaction met a false condition."""
    reasons = members.get("CancellationReasons", [])
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def _botocore_errors() -> tuple[type[Exception], ...]:
    """Return what botocore's clients raise; asked only when something was raised, and never the import's first."""
    if "botocore" not in sys.modules:
        return ()
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    return (ClientError, ConnectionError, HTTPClientError)


def _of_botocore(what: str, error: Any, further: Mapping[str, type[HeadraceError]]) -> Exception:
    response = getattr(error, "response", None)
    # HTTPClientError has a response too: of the connection, and None.
    if not isinstance(response, dict):
        kind = TimedOut if type(error).__name__ == "ReadTimeoutError" else Unavailable
        return kind(f"{what}: {type(error).__name__}")
    told = response["Error"]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    refusal = AwsRefusal(told["Code"], told.get("Message", told["Code"]), status, response)
    found = _ours(what, refusal, further)
    return error if found is refusal else found
