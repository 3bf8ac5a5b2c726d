"""The gate decides about a new model version, or leaves it to a person, who decides with a reason."""

import msgspec
from chalicelib.training.evaluation import Evaluation
from chalicelib.training.families import has_recipe
from chalicelib.training.gate import Decision, decide
from chalicelib.training.model_files import folder_of
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.planning import plan_job
from chalicelib.training.workflow.telling import tell_verdict

from shared import log
from shared.entities.training import ModelState, ModelVersion, Verdict
from shared.errors import ConditionFailed, Conflict, NotFound

WAITS_FOR_PERSON = (ModelState.PENDING_APPROVAL, ModelState.NEEDS_PERSON)
_log = log.logger("training")


def judge(ports: Ports, model: ModelVersion) -> ModelVersion:
    """Decide about a REGISTERED version and tell it; another judge who was faster is right too."""
    decision = _decide(ports, model)
    try:
        model = ports.models.decided(model, decision, after=(ModelState.REGISTERED,))
    except ConditionFailed:
        return ports.models.get(model.pipeline, model.version)
    _log.info("model version judged", extra={"version": model.version, "state": model.state})
    tell_verdict(ports, model)
    return model


def decide_as_person(
    ports: Ports, model: ModelVersion, state: ModelState, *, who: str, reason: str
) -> ModelVersion:
    """Approve or reject a version that waits for a person; what the gate found stays on record.

    Raises
    ------
    Conflict
        The version does not wait for a person.
    """
    word = "approved" if state is ModelState.APPROVED else "rejected"
    outcome = "passed" if state is ModelState.APPROVED else "failed"
    detail = f"{word} by {who}: {reason}"
    verdict = Verdict(clause="person", outcome=outcome, detail=detail)
    decision = Decision(state=state, reasons=(*model.reasons, detail), verdicts=(*model.verdicts, verdict))
    try:
        model = ports.models.decided(model, decision, after=WAITS_FOR_PERSON)
    except ConditionFailed:
        current = ports.models.get(model.pipeline, model.version)
        wanted = " or ".join(WAITS_FOR_PERSON)
        raise Conflict(
            f"{model.pipeline} {model.version} is {current.state}; a person decides about {wanted} only"
        ) from None
    tell_verdict(ports, model)
    return model


def _decide(ports: Ports, model: ModelVersion) -> Decision:
    try:
        definition = ports.pipelines.definition(model.pipeline)
    except NotFound:
        return _reject("the pipeline was deleted while its model was trained")
    release = ports.releases.current(model.pipeline)
    live = release.live if release else None
    # The comparison is with a champion that is gone: its differences say nothing about the one that is live.
    if live != model.evaluated_champion:
        return _supersede(ports, model, live)
    key = f"{folder_of(model.pipeline, model.version)}evaluation.json"
    evaluation = msgspec.json.decode(ports.model_files.bucket.read(key), type=Evaluation)
    needs_approval = definition.release.approval == "person"
    return decide(evaluation, definition.gate, live=live, needs_approval=needs_approval)


def _supersede(ports: Ports, model: ModelVersion, live: str | None) -> Decision:
    """Reject a version that was compared with a champion of the past, and have its data judged anew.

    Only for the newest data: an older dataset version's second training would be overtaken at once, and
    a burst of uploads would train each of them again for every release.
    """
    was, now = model.evaluated_champion or "none", live or "none"
    reason = f"superseded: champion changed from {was} to {now} while training"
    ready = ports.datasets.ready(model.pipeline)
    if not ready or ready[-1].version != model.dataset_version:
        return _reject(f"{reason}; newer data is trained instead")
    definition = ports.pipelines.definition(model.pipeline)
    if not has_recipe(definition):
        return _reject(f"{reason}; the pipeline has become one that no recipe trains")
    # Planned before the verdict is written: a crash between repeats both, and the job id is the same.
    job = plan_job(ports, definition, ready[-1])
    return _reject(f"{reason}; training job {job.job_id} compares with {now}")


def _reject(reason: str) -> Decision:
    return Decision(state=ModelState.REJECTED, reasons=(reason,), verdicts=())
