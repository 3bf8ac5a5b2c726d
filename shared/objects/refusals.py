"""S3's own error codes, beside those that all of AWS shares."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.aws import aws_errors
from shared.errors import Conflict, HeadraceError, InvalidRequest, NotFound, PreconditionFailed, Unavailable

_ERRORS: dict[str, type[HeadraceError]] = {
    "NoSuchUpload": NotFound,
    "InvalidPart": Conflict,
    "InvalidPartOrder": Conflict,
    "EntityTooSmall": Conflict,
    # Such as an upload id that can be none.
    "InvalidArgument": InvalidRequest,
    # The object has fewer bytes than it had when it was looked at.
    "InvalidRange": PreconditionFailed,
    # The bytes were damaged on their way: sent again, they may arrive.
    "BadDigest": Unavailable,
}


@contextmanager
def s3_errors(what: str, **further: type[HeadraceError]) -> Iterator[None]:
    """Raise our errors for S3's inside the block; *further* are codes that only this call can read."""
    # Imported late: the pure parts and their tests run without botocore.
    from botocore.exceptions import ClientError

    try:
        with aws_errors(what):
            yield
    except ClientError as error:
        told = error.response["Error"]
        kind = {**_ERRORS, **further}.get(told["Code"])
        if kind is None:
            raise
        raise kind(f"{what}: {told.get('Message', '')} ({told['Code']})") from error
