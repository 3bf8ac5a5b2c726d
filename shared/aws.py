"""From botocore's errors to ours, and clients made once per process."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import (
    ConditionFailed,
    Conflict,
    Forbidden,
    HeadraceError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    TimedOut,
    Unavailable,
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
    "NoSuchBucket": NotFound,
    # HeadObject has no body to carry a code.
    "404": NotFound,
    "ResourceNotFoundException": NotFound,
    "ResourceNotFound": NotFound,
    "ResourceInUse": Conflict,
    "ResourceLimitExceeded": QuotaExceeded,
    "AccessDenied": Forbidden,
    "AccessDeniedException": Forbidden,
    "ThrottlingException": Unavailable,
    "Throttling": Unavailable,
    "TooManyRequestsException": Unavailable,
    "ProvisionedThroughputExceededException": Unavailable,
    "RequestLimitExceeded": Unavailable,
    "TransactionConflictException": Unavailable,
    "TransactionInProgressException": Unavailable,
    "SlowDown": Unavailable,
    "ServiceUnavailable": Unavailable,
    "InternalError": Unavailable,
    "InternalFailure": Unavailable,
    "InternalServerError": Unavailable,
    "InternalException": Unavailable,
}


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raise our errors for botocore's inside the block; *what* names the call and its resource.

    A transaction cancelled by a conflict or throttle is retryable; only a failed check is a lost condition.
    Unknown codes pass through unchanged: they are bugs, and the retries and dead letters are for them.
    """
    # Imported late: the pure parts and their tests run without botocore.
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, ReadTimeoutError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        kind = _ERRORS.get(code)
        if code == "TransactionCanceledException" and not _failed_check(error.response):
            kind = Unavailable
        if kind is None and error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
            kind = Unavailable
        if kind is None:
            raise
        raise kind(f"{what}: {error.response['Error'].get('Message', code)} ({code})") from error
    except ReadTimeoutError as error:
        raise TimedOut(f"{what}: {type(error).__name__}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise Unavailable(f"{what}: {type(error).__name__}") from error


@contextmanager
def sagemaker_errors(what: str, *, absent: str) -> Iterator[None]:
    """Raise our errors as :func:`aws_errors` does, and tell the two meanings of ValidationException apart.

    SageMaker answers an unknown name with it, not with ResourceNotFound, and a request it does not allow too: a
    message with the text *absent* is :class:`NotFound`, any other :class:`InvalidRequest`.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        with aws_errors(what):
            yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        message = error.response["Error"].get("Message", "")
        kind = NotFound if absent in message else InvalidRequest
        raise kind(f"{what}: {message}") from error
    except ParamValidationError as error:
        raise InvalidRequest(f"{what}: {error}") from error


def _failed_check(response: Any) -> bool:
    """Say whether a cancelled transaction met a false condition."""
    reasons = response.get("CancellationReasons", [])
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


@functools.cache
def client(service: str) -> Any:
    """Return the process's one client of *service*; making one costs some 8 ms, importing boto3 far more."""
    import boto3
    from botocore.config import Config

    # Lambda kills a handler that waits longer than its own limit: fail sooner and let the event come back.
    config = Config(
        retries={"max_attempts": 4, "mode": "standard"},
        connect_timeout=3,
        read_timeout=25,
        signature_version="s3v4" if service == "s3" else None,
        # Else forms name the global host, which redirects to another region's new bucket, and a form cannot
        # follow: https://github.com/boto/boto3/pull/4768
        s3={"addressing_style": "virtual"} if service == "s3" else None,
    )
    return boto3.client(service, config=config)
