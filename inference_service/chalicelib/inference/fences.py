"""What must hold of a release row for a write to happen: the fence, the lease, and whose step it is.

The generation ``gen`` is the fence: a step that began under an older one changes nothing. A lease keeps two workers
of the same generation apart; who accepts a request needs no lease, so a rollback never waits for a worker.
"""

from datetime import datetime, timedelta

from chalicelib.inference.states import CurrentRelease

from shared.clock import LEASE_MARGIN, to_text
from shared.conditions import Absent, AtMost, Condition, all_of, any_of, having

# Longer than any function that holds it may run, so that a holder whose lease ran out is dead.
LEASE = timedelta(seconds=120)


def at_gen(release: CurrentRelease | None) -> Condition:
    """Require the generation that was read; of None that there is no row."""
    return having("gen", release.gen) if release else Absent("gen")


def lease_free(now: datetime) -> Condition:
    """Require that no worker can be at work."""
    return any_of(Absent("lease_until"), AtMost("lease_until", to_text(now - LEASE_MARGIN)))


def mine(release: CurrentRelease) -> Condition:
    """Require the generation, phase, step, candidate and owner that this worker read under its lease."""
    return all_of(
        having("gen", release.gen),
        having("phase", str(release.phase)),
        having("candidate", release.candidate),
        having("owner", release.owner),
        _at_step(release.step),
    )


def at_rest(release: CurrentRelease) -> Condition:
    """Require that nothing rolls out, and that the live version and the worker are those that were read."""
    return all_of(
        having("gen", release.gen),
        Absent("candidate"),
        having("live", release.live),
        having("owner", release.owner),
    )


def _at_step(step: int) -> Condition:
    # A row from before there were steps has none.
    there = having("step", step)
    return there if step else any_of(Absent("step"), there)
