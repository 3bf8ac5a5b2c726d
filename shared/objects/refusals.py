"""S3's own error codes, beside those that all of AWS shares."""

from contextlib import AbstractContextManager

from shared.aws import aws_errors
from shared.errors import (
    Broken,
    Conflict,
    HeadraceError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    Unavailable,
)

_ERRORS: dict[str, type[HeadraceError]] = {
    "NoSuchUpload": NotFound,
    "InvalidPart": Conflict,
    "InvalidPartOrder": Conflict,
    "EntityTooSmall": Conflict,
    # Such as an upload id that can be none.
    "InvalidArgument": InvalidRequest,
    # The object has fewer bytes than it had when it was looked at.
    "InvalidRange": PreconditionFailed,
    # Somebody has put the object into an archive: until it is brought back there is nothing to read.
    "InvalidObjectState": Conflict,
    "ObjectNotInActiveTierError": Conflict,
    # HeadObject tells them by the status alone; 400 is a token that has run out, or a request that came too slowly.
    "412": PreconditionFailed,
    "400": Unavailable,
    "409": Unavailable,
    "301": Broken,
    # Our call is wrong.
    **dict.fromkeys(
        (
            "EncryptionTypeMismatch",
            "InvalidRequest",
            "InvalidWriteOffset",
            "KeyTooLongError",
            "MalformedXML",
            "TooManyParts",
        ),
        Broken,
    ),
    # The bytes were damaged on their way: sent again, they may arrive.
    "BadDigest": Unavailable,
    "XAmzContentSHA256Mismatch": Unavailable,
}


def s3_errors(what: str, **further: type[HeadraceError]) -> AbstractContextManager[None]:
    """Raise our errors for S3's inside the block; *further* are codes that only this call can read."""
    return aws_errors(what, {**_ERRORS, **further})
