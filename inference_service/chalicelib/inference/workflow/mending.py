"""Where the row and SageMaker disagree about what is live: the row is right, and SageMaker is mended.

An endpoint that was deleted by hand is made again; one that Failed too, unless the version before can serve at
once. One that nobody asked for long is given up on purpose, and made again when somebody asks.
"""

from datetime import datetime

import msgspec
from chalicelib.inference import stepping, transitions
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.plan import plan_endpoint
from chalicelib.inference.states import AUTOMATIC, CurrentRelease, Request
from chalicelib.inference.workflow.baking import policy_of
from chalicelib.inference.workflow.context import Releasing
from chalicelib.inference.workflow.leasing import under_lease

from shared.entities.pipeline import seconds
from shared.entities.releasing import Realtime, endpoint_of
from shared.errors import ConditionFailed

ALWAYS_AWAKE = "prod"


def mend(adapters: Releasing, pipeline: str) -> None:
    """See that what is live has an endpoint, or gets one."""
    release = adapters.releases.current(pipeline)
    if release is None or release.live is None or release.asleep_at:
        return
    status = _status(adapters, pipeline, release.live)
    if status not in {None, "Failed"}:
        return
    if status == "Failed" and _go_back(adapters, release):
        return
    under_lease(adapters, release, _make_again)


def send_to_sleep(adapters: Releasing, pipeline: str) -> None:
    """Give up the endpoint of a real-time pipeline that nobody asked for longer than ``idle_delete``."""
    release = adapters.releases.current(pipeline)
    if release is None or _is_needed(release) or adapters.stage == ALWAYS_AWAKE:
        return
    hosting = endpoint_of(policy_of(adapters, pipeline))
    if not isinstance(hosting, Realtime) or hosting.idle_delete == "never":
        return
    last = max(adapters.usage.last(pipeline) or "", release.updated_at)
    if (adapters.clock() - msgspec.convert(last, datetime)).total_seconds() > seconds(hosting.idle_delete):
        under_lease(adapters, release, _fall_asleep)


def wake(adapters: Releasing, pipeline: str) -> None:
    """Want the endpoint of what is live back, since somebody asks; returns while it is being made."""
    release = adapters.releases.current(pipeline)
    if release is not None and release.asleep_at:
        request = Request(who=AUTOMATIC, why="a request came in", at=adapters.clock())
        try:
            adapters.releases.apply(pipeline, stepping.wake_up(release, request))
        except ConditionFailed:
            adapters.log.info("somebody else woke it")
    mend(adapters, pipeline)


def _is_needed(release: CurrentRelease) -> bool:
    """Say whether there is nothing to give up, or something that rolls out and compares with it."""
    return release.live is None or release.candidate is not None or release.asleep_at is not None


def _fall_asleep(adapters: Releasing, release: CurrentRelease) -> None:
    request = Request(who=AUTOMATIC, why="nobody asked for long", at=adapters.clock())
    # The reaper deletes the endpoint when no request can be on its way there any more.
    adapters.releases.apply(release.pipeline, stepping.fall_asleep(release, request))


def _go_back(adapters: Releasing, release: CurrentRelease) -> bool:
    """Make the previous version live if it can serve at once; say whether it does."""
    can_serve = (
        release.candidate is None
        and release.previous is not None
        and not release.reaped_at
        and _status(adapters, release.pipeline, release.previous) == "InService"
    )
    if not can_serve:
        return False
    why = f"the endpoint of {release.live} Failed"
    request = Request(who=AUTOMATIC, why=why, at=adapters.clock())
    grace_s = seconds(policy_of(adapters, release.pipeline).grace)
    adapters.releases.apply(release.pipeline, transitions.swap_back(release, request, grace_s))
    return True


def _make_again(adapters: Releasing, release: CurrentRelease) -> None:
    """Make the endpoint of what is live from what was signed; described once more, now that nobody else works."""
    pipeline, live = release.pipeline, release.live or ""
    status = _status(adapters, pipeline, live)
    if status == "Failed":
        # A failed endpoint can only be deleted.
        adapters.endpoints.delete(endpoint_name(adapters.stage, pipeline, live))
    elif status is not None:
        return
    model = adapters.models.get(pipeline, live)
    adapters.artifacts.verify(model)
    hosting = endpoint_of(policy_of(adapters, pipeline))
    adapters.endpoints.create(plan_endpoint(model, hosting, stage=adapters.stage, role_arn=adapters.role_arn))
    why = "it had Failed" if status else "it was gone"
    adapters.log.warning("endpoint made again", extra={"version": live, "reason": why})
    request = Request(who=AUTOMATIC, why=f"the endpoint of {live}: {why}", at=adapters.clock())
    adapters.releases.apply(pipeline, stepping.note_recreated(release, request))


def _status(adapters: Releasing, pipeline: str, version: str) -> str | None:
    state = adapters.endpoints.describe(endpoint_name(adapters.stage, pipeline, version))
    return state.status if state else None
