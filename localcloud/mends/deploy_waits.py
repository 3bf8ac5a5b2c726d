"""Lambda: a new function is ready at once."""

from typing import Any

from ministack.services import lambda_svc

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "deploy_waits"
_READY = {"State": "Active", "LastUpdateStatus": "Successful"}
_REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


def mend(settings: Settings) -> None:
    """Make a function Active before the caller can ask.

    AWS: a function is Pending for a moment after CreateFunction and UpdateFunctionCode; clients
    poll every 5 s (botocore's waiters).
    MiniStack 1.5.33: imitates the moment with half a second in a thread, so that a deploy waits 5 s
    per function for nothing: 15.8 s instead of 2 s, measured with Chalice. Without the pause but
    with the thread a busy machine still loses the race now and then (7 s, measured).
    """
    del settings
    require(MEND, lambda_svc, "_schedule_state_transition", "time.sleep(delay)", 'cfg["State"] = "Active"')
    lambda_svc._schedule_state_transition = make_active


def make_active(function_name: str, delay: float) -> None:
    """Finish what CreateFunction or an update began; signature as MiniStack's own."""
    del delay
    function = lambda_svc._functions.get(function_name)
    if function is None:
        return
    published = [version.get("config") or {} for version in function.get("versions", {}).values()]
    for config in [function.get("config") or {}, *published]:
        if _is_changing(config):
            config.update(_READY)
            config.update(dict.fromkeys(_REASONS, ""))


def _is_changing(config: dict[str, Any]) -> bool:
    """A published SnapStart version is left alone: its snapshot decides when it is ready."""
    if (
        config.get("Version") != "$LATEST"
        and (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
    ):
        return False
    return config.get("State") == "Pending" or config.get("LastUpdateStatus") == "InProgress"
