"""Why a job failed, and whether another attempt may succeed."""

from shared.sanitising import sanitise

__all__ = ["is_retryable", "sanitise"]

RETRYABLE = ("InternalServerError", "CapacityError", "Interrupted")


def is_retryable(failure_reason: str, secondary_status: str) -> bool:
    """Say whether another attempt may succeed: only where the fault was neither the data's nor the code's."""
    return failure_reason.startswith(RETRYABLE) or secondary_status == "Interrupted"
