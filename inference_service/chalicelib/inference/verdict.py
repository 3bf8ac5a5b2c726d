"""Whether a step of a release may end, and how: from its tallies, its age and the pipeline's policy."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec
from chalicelib.inference.tally import Tally

from shared.entities.pipeline import seconds
from shared.entities.releasing import Release
from shared.entities.rollback_clauses import Clause, parse_clause

# Whoever waits for requests waits with an endpoint that is paid for: a trial that nobody asks ends, too.
WAITS_AT_MOST_S = 7 * 86_400


class Decision(StrEnum):
    """What to do with the candidate."""

    WAIT = "WAIT"
    GO_ON = "GO_ON"
    ROLL_BACK = "ROLL_BACK"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and, in a sentence, what it rests on."""

    decision: Decision
    why: str


def judge(policy: Release, *, age_s: float, candidate: Tally, live: Tally) -> Verdict:
    """Return the verdict over a step that is *age_s* old.

    A broken clause rolls back as soon as there is enough to believe it; what little came until ``max_bake`` is
    judged then. Nobody goes on before ``bake``.
    """
    enough = candidate.warm >= policy.min_requests
    is_over = age_s >= seconds(policy.max_bake)
    if enough or is_over:
        for clause in _clauses(policy):
            if broken := _broken(clause, policy, candidate, live):
                return Verdict(decision=Decision.ROLL_BACK, why=broken)
    if enough and age_s >= seconds(policy.bake):
        return Verdict(decision=Decision.GO_ON, why=_well(policy, candidate))
    if is_over:
        return _silence(policy, candidate, age_s)
    wanted = f"{candidate.warm} of {policy.min_requests} requests after {int(age_s)} s"
    return Verdict(decision=Decision.WAIT, why=wanted)


def age_s(since: str | None, now: datetime) -> float:
    """Return how many seconds ago *since* was."""
    return (now - msgspec.convert(since, datetime)).total_seconds() if since else 0.0


def _clauses(policy: Release) -> Iterator[Clause]:
    for text in policy.rollback_on:
        clause = parse_clause(text)
        # A definition stored by an older release may hold what this one no longer knows: it rolls nothing back.
        if clause is not None:
            yield clause


def _broken(clause: Clause, policy: Release, candidate: Tally, live: Tally) -> str | None:
    """Return why *clause* rolls back, None where it does not or where there is too little to say."""
    found = candidate.value(clause.metric)
    compared = live.value(clause.metric) if clause.factor else 0.0
    if found is None or compared is None or not _is_enough(clause, policy, candidate, live):
        return None
    if not clause.is_broken(found, compared):
        return None
    beside = f" (live: {_shown(clause, compared)})" if clause.factor else ""
    return (
        f"{clause.text}: {clause.metric} is {_shown(clause, found)}{beside} in {candidate.requests} requests"
    )


def _is_enough(clause: Clause, policy: Release, candidate: Tally, live: Tally) -> bool:
    """Say whether there is enough to believe what *clause* compares."""
    # A handful of live requests is no measure for a candidate either.
    if clause.factor and live.warm < policy.min_requests:
        return False
    return clause.metric not in {"accuracy", "mae"} or candidate.labelled >= policy.min_requests


def _silence(policy: Release, candidate: Tally, age_s: float) -> Verdict:
    if policy.on_silence == "wait" and age_s >= seconds(policy.max_bake) + WAITS_AT_MOST_S:
        days = WAITS_AT_MOST_S // 86_400
        why = f"{candidate.warm} of {policy.min_requests} requests, {days} days after {policy.max_bake}"
        return Verdict(decision=Decision.ROLL_BACK, why=why)
    why = (
        f"{candidate.warm} of {policy.min_requests} requests in {policy.max_bake}; "
        f"on_silence: {policy.on_silence}"
    )
    decision = {"promote": Decision.GO_ON, "rollback": Decision.ROLL_BACK, "wait": Decision.WAIT}
    return Verdict(decision=decision[policy.on_silence], why=why)


def _well(policy: Release, candidate: Tally) -> str:
    told = [f"{candidate.requests} requests"]
    for clause in _clauses(policy):
        found = candidate.value(clause.metric)
        if found is not None:
            told.append(f"{clause.metric} {_shown(clause, found)}")
    return ", ".join(told)


def _shown(clause: Clause, value: float) -> str:
    if clause.metric in {"error_rate", "disagreement", "accuracy"}:
        return f"{value:.1%}"
    return f"{value:.3g}"
