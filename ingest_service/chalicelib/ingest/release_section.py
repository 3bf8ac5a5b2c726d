"""What the ``release`` section of a definition must be beyond the types of its fields."""

from collections.abc import Iterator
from itertools import pairwise

from chalicelib.ingest.data_section import Check

from shared.entities.pipeline import METRICS as METRICS_OF
from shared.entities.pipeline import PipelineDefinition, fraction, seconds, task_of
from shared.entities.releasing import Release
from shared.entities.rollback_clauses import FORMS, METRICS, parse_clause

# What labels can tell of a model, beside what its answers show by themselves.
_QUALITY = ("accuracy", "mae")


def release_checks(definition: PipelineDefinition) -> Iterator[Check]:
    """Yield what is wrong with the way to live: steps that do not rise, times that cross, unknown clauses."""
    release = definition.release
    yield from _step_checks(release)
    too_short = seconds(release.max_bake) < seconds(release.bake)
    yield too_short, "/release/max_bake", f"{release.max_bake} is shorter than bake, {release.bake}"
    for place, text in enumerate(release.rollback_on):
        wrong = _wrong_clause(text, definition)
        yield wrong is not None, f"/release/rollback_on/{place}", wrong or ""


def _step_checks(release: Release) -> Iterator[Check]:
    shares = [fraction(step) for step in release.steps]
    for place, share in enumerate(shares):
        # At 100 % nothing is left to compare with: that is live already.
        outside = not 0 < share < 1
        yield outside, f"/release/steps/{place}", f"{release.steps[place]} is not between 0% and 100%"
    falls = any(later <= sooner for sooner, later in pairwise(shares))
    yield falls, "/release/steps", "each step must be larger than the one before it"


def _wrong_clause(text: str, definition: PipelineDefinition) -> str | None:
    """Return what is wrong with a clause of ``rollback_on``, None where nothing is."""
    clause = parse_clause(text)
    if clause is None:
        return f"{text!r} is not {FORMS}; the metrics are {', '.join(METRICS)}"
    task = task_of(definition)
    if clause.metric in _QUALITY and clause.metric not in METRICS_OF[task]:
        return f"{clause.metric!r} is no metric of {task}"
    if clause.metric == "disagreement":
        if definition.release.strategy != "shadow":
            return "disagreement is counted in a shadow only"
        if clause.factor:
            return "disagreement is with live: compare it with a number"
    return None
