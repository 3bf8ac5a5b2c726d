"""A candidate on trial: shadow or canary steps, each judged by what was counted while it lasted.

golden rows equal → SHADOW, or CANARY step by step → LIVE, or back. The first release of a pipeline and the way back
have nothing to compare with, and nothing to wait for: they skip the trial.
"""

from functools import reduce
from operator import add

from chalicelib.inference import stepping, transitions
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.states import AUTOMATIC, CurrentRelease, Intent, Outcome, Request, Transition
from chalicelib.inference.tally import Step, Tally
from chalicelib.inference.verdict import Decision, Verdict, age_s, judge
from chalicelib.inference.workflow.context import Releasing

from shared.entities.pipeline import fraction, seconds
from shared.entities.releasing import Release
from shared.entities.serving import Phase

TRIALS = (Phase.SHADOW, Phase.CANARY)


def begin(adapters: Releasing, release: CurrentRelease) -> CurrentRelease:
    """Put a candidate that has proven itself on golden rows on trial, or make it live where there is none."""
    policy = policy_of(adapters, release.pipeline)
    now = adapters.clock()
    if policy.strategy == "direct" or release.live is None or release.intent is Intent.ROLLBACK:
        return _apply(
            adapters, release, transitions.complete(release, now, grace_s(adapters, release.pipeline))
        )
    if policy.strategy == "shadow":
        return _apply(adapters, release, stepping.shadow(release, now))
    request = Request(who=AUTOMATIC, why="golden rows equal", at=now)
    return _apply(adapters, release, stepping.canary(release, 0, fraction(policy.steps[0]), request))


def judge_step(adapters: Releasing, release: CurrentRelease) -> CurrentRelease:
    """Go on, go back or wait, as what was counted says."""
    state = adapters.endpoints.describe(
        endpoint_name(adapters.stage, release.pipeline, release.candidate or "")
    )
    if state is None or state.status == "Failed":
        gone = f"the candidate's endpoint is {'gone' if state is None else 'Failed'}"
        return _roll_back(adapters, release, gone)
    policy = policy_of(adapters, release.pipeline)
    verdict = _verdict(adapters, release, policy)
    if verdict.decision is Decision.ROLL_BACK:
        return _roll_back(adapters, release, verdict.why)
    if verdict.decision is Decision.GO_ON:
        return _apply(adapters, release, _next(adapters, release, policy, verdict))
    return release


def policy_of(adapters: Releasing, pipeline: str) -> Release:
    """Return how the pipeline wants to release, as its definition says now."""
    return adapters.pipelines.definition(pipeline).release


def grace_s(adapters: Releasing, pipeline: str) -> int:
    """Return how long the endpoint of a version lives on after it was live."""
    return seconds(policy_of(adapters, pipeline).grace)


def _verdict(adapters: Releasing, release: CurrentRelease, policy: Release) -> Verdict:
    candidate = Step(
        pipeline=release.pipeline, gen=release.gen, version=release.candidate or "", step=release.step
    )
    live = Step(pipeline=release.pipeline, gen=release.gen, version=release.live or "")
    # What is live does not change from step to step, so all it did in this release is its measure.
    compared = reduce(add, adapters.traffic.by_step(live).values(), Tally())
    return judge(
        policy,
        age_s=age_s(release.step_since, adapters.clock()),
        candidate=adapters.traffic.of(candidate),
        live=compared,
    )


def _next(adapters: Releasing, release: CurrentRelease, policy: Release, verdict: Verdict) -> Transition:
    """Return the next step of a canary, or the end: after the last one, and after a shadow."""
    now = adapters.clock()
    step = release.step + 1
    if release.phase is Phase.CANARY and step < len(policy.steps):
        request = Request(who=AUTOMATIC, why=verdict.why, at=now)
        return stepping.canary(release, step, fraction(policy.steps[step]), request)
    return transitions.complete(release, now, seconds(policy.grace), verdict=verdict.why)


def _roll_back(adapters: Releasing, release: CurrentRelease, why: str) -> CurrentRelease:
    adapters.log.warning("candidate rolled back", extra={"version": release.candidate, "reason": why})
    request = Request(who=AUTOMATIC, why=why, at=adapters.clock())
    return _apply(adapters, release, transitions.give_up(release, Outcome.ROLLED_BACK, request))


def _apply(adapters: Releasing, release: CurrentRelease, transition: Transition) -> CurrentRelease:
    moved: CurrentRelease = adapters.releases.apply(release.pipeline, transition)
    return moved
