"""Lambda: a new function is ready at once."""

from ministack.services import lambda_svc

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "deploy_waits"


def mend(settings: Settings) -> None:
    """Make a function Active before the caller can ask.

    AWS: a function is Pending for a moment after CreateFunction and UpdateFunctionCode; clients
    poll every 5 s (botocore's waiters).
    MiniStack 1.5.33: imitates the moment with half a second, so that every deploy waits 5 s per
    function for nothing: 15.8 s instead of 2 s, measured with Chalice.
    """
    del settings
    require(MEND, lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY")
    require(MEND, lambda_svc, "_schedule_state_transition", "time.sleep(delay)")
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0
