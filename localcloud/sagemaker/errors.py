"""The errors SageMaker answers with, in its own codes and words.

Every text was read in a real answer (SDK and Terraform issue threads quote them) or, where AWS has
no such case because the limit is ours, says so plainly ("the local SageMaker ...").
"""

from typing import Any


class ApiError(Exception):
    """An error a client sees: the AWS code, the message and the HTTP status it travels with."""

    def __init__(self, code: str, message: str | None, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members


class JobError(Exception):
    """What ends a job as Failed; `reason` becomes its FailureReason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        # AWS cuts FailureReason at 1,024 characters (the member's own limit in the API model).
        self.reason = f"{kind}: {reason}"[:1024]


class ClientJobError(JobError):
    """The caller's fault: missing data, no permission, an image nobody knows."""

    def __init__(self, reason: str) -> None:
        super().__init__("ClientError", reason)


def validation(message: str) -> ApiError:
    """Return the error for a request that is well formed but cannot be done."""
    return ApiError("ValidationException", message)


def not_found(noun: str, arn: str) -> ApiError:
    """Return the error for an unknown model, endpoint configuration or endpoint."""
    return validation(f'Could not find {noun} "{arn}".')


def already_exists(noun: str, arn: str) -> ApiError:
    """Return the error for a second model, endpoint configuration or endpoint of one name."""
    return validation(f'Cannot create already existing {noun} "{arn}".')


def unknown_operation(operation: str) -> ApiError:
    """Return the error for the part of SageMaker that has no local counterpart."""
    return ApiError(
        "UnknownOperationException",
        f"{operation} is not in the local SageMaker; it is known to AWS only. "
        "See localcloud/sagemaker/README.md for the operations that work here.",
    )


def no_such_operation() -> ApiError:
    """Return AWS's error for a name that SageMaker never had: a code and no words."""
    return ApiError("UnknownOperationException", None)


def unsupported(rule: str) -> ApiError:
    """Return the error for what AWS would do and one machine cannot; `rule` says what holds here instead."""
    return validation(f"The local SageMaker cannot do this: {rule}.")


def limit_exceeded(quota: str, limit: int, in_use: int) -> ApiError:
    """Return the error for one job more than the instance quota of that name allows."""
    return ApiError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{quota}' is {limit} Instances, "
        f"with current utilization of {in_use} Instances and a request delta of 1 Instances. Please use AWS "
        "Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
        "contact AWS support to request an increase for this quota.",
    )


def job_not_found(name: str) -> ApiError:
    """Return the error for an unknown processing or transform job."""
    return validation(f"Could not find requested job with name: {name}")


def conflict(message: str) -> ApiError:
    """Return the error for a registry entity that others still depend on."""
    return ApiError("ConflictException", message)


def name_in_use(words: str) -> ApiError:
    """Return the error for a second job of one name; the name stays taken after the job has ended."""
    return ApiError("ResourceInUse", words)
