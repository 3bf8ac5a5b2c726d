"""What comes of an error at a call site, found out by making the call."""

from enum import Enum

from docs.aws_errors.clouds import Cloud
from docs.aws_errors.documented import Fault
from docs.aws_errors.probes import probe_of
from docs.aws_errors.sites import Site
from headrace.failures import Failure, Unreachable
from headrace.operate.refusals import Refusal, Remedy
from shared.errors import (
    Broken,
    Conflict,
    HeadraceError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    Unavailable,
)


class Outcome(Enum):
    """What follows, in words for the page."""

    RETRY = "after the client's own tries the handler fails, and event or tick come back; a request gets 503 and Retry-After"
    WAIT = "the row says for what, and each minute somebody looks whether there is room"
    REJECT = "the work ends, and its row or the answer says why"
    DECIDE = "something is there, gone or changed meanwhile: the caller looks, and decides by that"
    IGNORE = "what was wanted is so already, the answer is no or none, or somebody else will see to it"
    FAIL = (
        "an operator must act: logged, then dead letter and alarm; a request gets 500, a command ends with it"
    )
    ASK = "AWS is not ready for it yet: a command asks again for a minute, then ends with it"
    AGAIN = f"after the client's own tries the command ends with 1: {Remedy.AGAIN.value}"
    LOG_IN = f"the command ends with 1: {Remedy.LOG_IN.value}"
    PERMIT = f"the command ends with 1: {Remedy.PERMIT.value}"
    RAISE_LIMIT = f"the command ends with 1: {Remedy.RAISE_LIMIT.value}"
    UNREACHABLE = "the command ends with 5: see that the network is up, then run it again"


_OF_REMEDIES = {
    Remedy.AGAIN: Outcome.AGAIN,
    Remedy.LOG_IN: Outcome.LOG_IN,
    Remedy.PERMIT: Outcome.PERMIT,
    Remedy.RAISE_LIMIT: Outcome.RAISE_LIMIT,
    Remedy.LOOK: Outcome.FAIL,
}


_OF_ERRORS: tuple[tuple[type[Exception], Outcome], ...] = (
    (Broken, Outcome.FAIL),
    (Unreachable, Outcome.UNREACHABLE),
    (Failure, Outcome.FAIL),
    (Unavailable, Outcome.RETRY),
    (QuotaExceeded, Outcome.WAIT),
    (InvalidRequest, Outcome.REJECT),
    (NotFound, Outcome.DECIDE),
    (PreconditionFailed, Outcome.DECIDE),
    (Conflict, Outcome.DECIDE),
)


def outcome_of(error: Exception) -> Outcome | None:
    """Return what follows from what an adapter raises, None where nobody has said."""
    # The reason why a model version may not serve, which a release ends with: a conflict by its status only.
    if type(error).__name__ == "Refused":
        return Outcome.REJECT
    if isinstance(error, Refusal):
        return _OF_REMEDIES[error.remedy]
    return next((outcome for kind, outcome in _OF_ERRORS if isinstance(error, kind)), None)


def outcome_at(site: Site, fault: Fault) -> Outcome | None:
    """Make the call of *site* where AWS answers it with *fault*, and return what comes of that."""
    cloud = Cloud(site, fault)
    try:
        probe_of(site)(cloud)
    except (HeadraceError, Failure) as error:
        return outcome_of(error)
    # What nobody has turned into an error of ours.
    except Exception:  # noqa: BLE001
        return None
    return Outcome.ASK if cloud.is_passing and cloud.asked > 1 else Outcome.IGNORE
