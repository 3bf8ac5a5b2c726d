"""What an operator is told where AWS does not do what a command asks: the error in one line, and what to do about it."""

import re
from enum import Enum
from typing import TYPE_CHECKING

from headrace.failures import Failure, Unreachable

if TYPE_CHECKING:
    from shared.errors import HeadraceError

_SPACES = re.compile(r"\s+")


class Remedy(Enum):
    """What to do, in the words that end the line."""

    LOG_IN = "the credentials in use do not hold: log in again, and see that the clock is right"
    PERMIT = "the credentials in use may not do this: `aws sts get-caller-identity` says whose they are"
    RAISE_LIMIT = "a limit of the account is reached: have it raised, then run the command again"
    AGAIN = "run the command again: it goes on from what is there"
    LOOK = "run the command again; where it ends so once more, `headrace deploy` mends a stage that is not as it should be"


class Refusal(Failure):
    """AWS answered, and not with what was asked for."""

    def __init__(self, message: str, remedy: Remedy) -> None:
        super().__init__(f"{in_one_line(message).removesuffix('.')}. What to do: {remedy.value}.")
        self.remedy = remedy


_LOG_IN = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_PERMIT = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ForbiddenException",
    "NotAuthorized",
    "OptInRequired",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
# How AWS's services say that they are busy, or that somebody else is at the same thing just now.
_AGAIN = re.compile(
    r"Throttl|SlowDown|TooManyRequests|RequestLimitExceeded|ThroughputExceeded|BandwidthLimit|RequestTimeout"
    r"|PriorRequestNotComplete|Transaction(InProgress|Conflict)|OperationAborted|InProgress|Concurrent|RequestAborted"
    r"|(Resource)?Conflict(Exception)?$|TemporarilyUnmodifiable|ResourceInUse|ServiceUnavailable|Internal(Error|Fail|Service)"
)
_LIMIT = re.compile(r"Limit|Quota|TooMany|CodeStorageExceeded|OverLimit")
# Found no credentials, or could not renew them, before anything was asked.
_NO_CREDENTIALS = re.compile(r"Credential|Token|SSO|Login|AuthToken|ProfileNotFound")


def refusal_of(code: str, status: int, message: str) -> Refusal:
    """Return what an error that AWS answered with comes to, by its code and HTTP status."""
    return Refusal(message, _remedy(code, status))


def failure_of_client(error: Exception) -> Failure:
    """Return what an error of botocore's own comes to: nothing was answered, or nothing was asked."""
    from botocore.exceptions import ConnectionError, HTTPClientError

    told = in_one_line(str(error))
    if isinstance(error, ConnectionError | HTTPClientError):
        return Unreachable(
            f"{told.removesuffix('.')}. What to do: see that the network is up, then {Remedy.AGAIN.value}."
        )
    return Refusal(told, Remedy.LOG_IN if _NO_CREDENTIALS.search(type(error).__name__) else Remedy.LOOK)


def refusal_of_ours(error: "HeadraceError") -> Refusal:
    """Return what an error of our own client comes to, which commands use where services do."""
    return Refusal(str(error), Remedy.AGAIN if error.retryable else Remedy.LOOK)


def in_one_line(text: str) -> str:
    """Return a text without line ends, as a terminal gets it."""
    return _SPACES.sub(" ", text).strip()


def _remedy(code: str, status: int) -> Remedy:
    if code in _LOG_IN:
        return Remedy.LOG_IN
    if code in _PERMIT or (status == 403 and code.isdigit()):
        return Remedy.PERMIT
    if _is_passing(code, status):
        return Remedy.AGAIN
    return Remedy.RAISE_LIMIT if _LIMIT.search(code) else Remedy.LOOK


def _is_passing(code: str, status: int) -> bool:
    return bool(_AGAIN.search(code)) or status >= 500 or status == 429
