"""Verdicts that rest on a gate or a live version of the past are given again, from the figures that are stored.

Nothing is trained for it. Judged again are the versions that the gate decided, that are newer than the live one and
that were never tried in a release: the others have had their turn, or a person's word.
"""

from chalicelib.training.ports import Ports
from chalicelib.training.workflow.judging import is_gates_to_decide, judge

from shared import log
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.entities.serving import Release
from shared.entities.training import Basis, ModelState, ModelVersion

_MOST_IN_A_MINUTE = 20  # each reads its evaluation; the rest follows in the next minute
_MAY_GO_LIVE = (ModelState.APPROVED, ModelState.PENDING_APPROVAL)
_DECIDED = (*_MAY_GO_LIVE, ModelState.NEEDS_PERSON, ModelState.REJECTED)
_log = log.logger("training")


def rejudge_pipeline(ports: Ports, pipeline: Pipeline) -> None:
    """Judge the pipeline's versions again whose verdict is out of date, newest first."""
    definition, name = ports.pipelines.definition_of(pipeline), pipeline.pipeline
    release = ports.releases.current(name)
    waiting = _next_in_line(ports.models.versions(name), release)
    outdated = [model for model in waiting if _is_outdated(model, waiting[0], definition, release)]
    for model in outdated[:_MOST_IN_A_MINUTE]:
        if ports.releases.was_tried(name, model.version):
            continue
        _log.info("judging again", extra={"version": model.version, "state": model.state})
        judge(ports, model)


def _next_in_line(versions: list[ModelVersion], release: Release | None) -> list[ModelVersion]:
    """Return the versions that could still go live by the gate, newest first."""
    live = int(release.live.removeprefix("v")) if release and release.live else 0
    newer = [model for model in reversed(versions) if model.number > live and model.state in _DECIDED]
    return [model for model in newer if is_gates_to_decide(model)]


def _is_outdated(
    model: ModelVersion, newest: ModelVersion, definition: PipelineDefinition, release: Release | None
) -> bool:
    basis = model.judgements[-1].basis or Basis()
    gate_changed = (basis.gate, basis.approval) != (definition.gate, definition.release.approval)
    live = release.live if release else None
    if basis.champion == live:
        return gate_changed
    if live is None:
        return gate_changed or model.state in _MAY_GO_LIVE
    # To compare with another live version takes a job: only for the newest, which overtakes the others anyway.
    return model is newest and (gate_changed or model.state in _MAY_GO_LIVE)
