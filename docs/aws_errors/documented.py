"""The errors that AWS documents for an operation: its own by botocore's models, and those common to all of a service."""

from collections.abc import Iterator

import msgspec
from botocore.retries.standard import ThrottledRetryableChecker

from docs.aws_errors.sites import model

# Of these botocore's models name no HTTP status, and AWS's pages do.
_STATUS = {
    "DependencyTimeoutException": 503,
    "InternalException": 500,
    "InternalServerError": 500,
    "InternalServiceError": 500,
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "ServiceUnavailableException": 503,
}
_TIMED = {"RequestTimeoutException": 408, "ServiceUnavailable": 503, "InternalFailure": 500}
_REFUSED = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "MalformedHttpRequestException": 400,
    "NotAuthorized": 401,
    "OptInRequired": 403,
    "RequestAbortedException": 400,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 400,
    "ThrottlingException": 400,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html, and the same page of the others.
_COMMON = _REFUSED | _TIMED
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, what any of our requests may meet.
_COMMON_OF_S3 = {
    "AccessDenied": 403,
    "ExpiredToken": 400,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "NoSuchBucket": 404,
    "OperationAborted": 409,
    "PermanentRedirect": 301,
    "RequestTimeTooSkewed": 403,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
# Wherever a throttle is spelled so, AWS's SDKs ask again.
THROTTLES = tuple(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
_CONDITIONAL = {"ConditionalRequestConflict": 409, "PreconditionFailed": 412}
_DAMAGED = {"BadDigest": 400, "XAmzContentSHA256Mismatch": 400}
_IN_PARTS = {"NoSuchUpload": 404}
_READ = {"NoSuchVersion": 404, "PreconditionFailed": 412}
# On the pages of S3's operations, and not in botocore's models.
_FURTHER_OF_S3: dict[str, dict[str, int]] = {
    "AbortMultipartUpload": _IN_PARTS,
    "CompleteMultipartUpload": {
        **_CONDITIONAL,
        **_IN_PARTS,
        "EntityTooSmall": 400,
        "InvalidPart": 400,
        "InvalidPartOrder": 400,
        "InvalidRequest": 400,
        "MalformedXML": 400,
    },
    "CopyObject": {**_READ, "NoSuchKey": 404},
    "GetObject": {**_READ, "InvalidRange": 416},
    "HeadObject": _READ,
    "ListParts": _IN_PARTS,
    "PutObject": {**_CONDITIONAL, **_DAMAGED, "KeyTooLongError": 400},
    "UploadPart": {**_IN_PARTS, **_DAMAGED, "InvalidArgument": 400},
    "UploadPartCopy": {**_READ, **_IN_PARTS, "NoSuchKey": 404, "InvalidRange": 416},
}
# SageMaker's words for what its models do not document: a name that is taken, or is not there.
ABSENT = {
    "CreateModelPackage": "Model Package Group arn does not exist.",
    "DescribeTrainingJob": "Requested resource not found.",
    "StopTrainingJob": "Requested resource not found.",
    "DescribeModelPackage": "ModelPackage arn does not exist.",
    "UpdateModelPackage": "ModelPackage arn does not exist.",
    **dict.fromkeys(
        (
            "DescribeProcessingJob",
            "DescribeTransformJob",
            "StopTransformJob",
            "DescribeEndpoint",
            "ListTags",
            "DeleteEndpoint",
            "DeleteEndpointConfig",
            "DeleteModel",
        ),
        'Could not find "arn".',
    ),
}
TAKEN = {
    "CreateModelPackageGroup": "Model Package Group already exists.",
    **dict.fromkeys(
        ("CreateModel", "CreateEndpointConfig", "CreateEndpoint"), "Cannot create already existing thing."
    ),
}
ENDED = {
    "StopTrainingJob": "The request was rejected because the training job is in status Completed.",
    "StopTransformJob": "The request was rejected because the transform job is in status Completed.",
}
_RESULTS = {"TransactionCanceledException": ("ConditionalCheckFailed", "TransactionConflict")}


class Fault(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One answer that is none: an error with its code and status, or no answer at all (``code`` empty).

    ``case`` tells two meanings of one code apart.
    """

    code: str
    status: int = 400
    case: str = ""
    message: str = "told by AWS"
    is_late: bool = False

    @property
    def name(self) -> str:
        """What the page calls it."""
        return f"`{self.code}`{f' ({self.case})' if self.case else ''}" if self.code else self.case


# CloudFormation's words for what its models do not document either.
STACKS = {
    "DescribeStacks": Fault(
        code="ValidationError", case="it is not there", message="Stack with id s does not exist"
    ),
    "UpdateStack": Fault(
        code="ValidationError", case="nothing to change", message="No updates are to be performed."
    ),
}
SILENCE = (
    Fault(code="", case="no connection, or it broke"),
    Fault(code="", case="no answer in time", is_late=True),
)
# From a load balancer before the service, say.
UNTOLD = Fault(code="502", status=502, case="without a code")


def faults_of(service: str, operation: str) -> list[Fault]:
    """Return every documented fault of an operation, the common ones last."""
    own = list(_own(service, operation))
    # By its words one code says more than it does without.
    named = {fault.code for fault in own if not fault.case}
    return [*own, *(fault for fault in common_to(service) if fault.code not in named)]


def common_to(service: str) -> list[Fault]:
    """Return the faults that every operation of a service may answer with."""
    told = dict.fromkeys(THROTTLES, 400) | (_COMMON_OF_S3 if service == "s3" else _COMMON)
    return [*(_fault(code, status) for code, status in sorted(told.items())), UNTOLD, *SILENCE]


def _own(service: str, operation: str) -> Iterator[Fault]:
    told = {
        shape.error_code or shape.name: shape.metadata.get("error", {}).get("httpStatusCode", 400)
        for shape in model(service).operation_model(operation).error_shapes
    }
    told |= _FURTHER_OF_S3.get(operation, {}) if service == "s3" else {}
    for code, status in sorted(told.items()):
        if code in _RESULTS:
            yield from (Fault(code=code, case=f"by {reason}") for reason in _RESULTS[code])
        elif code == "ModelError":
            yield from _of_model(code, status)
        else:
            yield _fault(code, status)
    if service == "sagemaker-runtime":
        yield Fault(code="ValidationError", case="no such endpoint", message="Endpoint x not found.")
        yield Fault(code="ValidationError", case="too large", message="Request has oversize body.")
    if service == "sagemaker":
        yield from _by_words(operation)
    if service == "cloudformation" and operation in STACKS:
        yield STACKS[operation]


def _of_model(code: str, status: int) -> Iterator[Fault]:
    for original in (400, 500):
        yield Fault(code=code, status=status, case=f"the container said {original}")


def _by_words(operation: str) -> Iterator[Fault]:
    for texts, case in ((ABSENT, "it is not there"), (TAKEN, "the name is taken"), (ENDED, "it has ended")):
        if operation in texts:
            yield Fault(code="ValidationException", case=case, message=texts[operation])


def _fault(code: str, status: int) -> Fault:
    return Fault(code=code, status=_STATUS.get(code, status))
