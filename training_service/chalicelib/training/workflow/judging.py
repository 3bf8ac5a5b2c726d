"""The gate decides about a new model version, or leaves it to a person, who decides with a reason."""

import msgspec
from chalicelib.training.gate import Decision, decide
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.comparing import compare
from chalicelib.training.workflow.telling import tell_verdict

from shared import log
from shared.entities.training import WAITS_FOR_PERSON, Basis, ModelState, ModelVersion, Verdict
from shared.errors import ConditionFailed, Conflict, NotFound

_log = log.logger("training")


def judge(ports: Ports, model: ModelVersion) -> ModelVersion:
    """Decide about a version by what is live and what the gate says now, and tell it.

    Where the live version is not the one it was compared with, a job compares the two first: the version waits as
    it is, and is judged again when the job has ended. Another judge who was faster is right too. What a person
    decided stays, and what serves or is about to is not judged any more.
    """
    release = ports.releases.current(model.pipeline)
    if not is_gates_to_decide(model) or (release and model.version in {release.live, release.candidate}):
        return model
    decision = _decide(ports, model, release.live if release else None)
    try:
        if isinstance(decision, str):
            return _wait(ports, model, decision)
        model = ports.models.decided(model, decision, after=(model.state,))
    except ConditionFailed:
        return ports.models.get(model.pipeline, model.version)
    _log.info("model version judged", extra={"version": model.version, "state": model.state})
    tell_verdict(ports, model)
    return model


def is_gates_to_decide(model: ModelVersion) -> bool:
    """Say whether nobody has decided about the version yet, or the gate did: a person's decision is final."""
    if model.state is ModelState.REGISTERED:
        return True
    return bool(model.judgements) and model.judgements[-1].basis is not None


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


def _decide(ports: Ports, model: ModelVersion, live: str | None) -> Decision | str:
    """Return the decision, or the sentence that says what it waits for."""
    try:
        definition = ports.pipelines.definition(model.pipeline)
    except NotFound:
        reason = "the pipeline was deleted while its model was trained"
        return Decision(state=ModelState.REJECTED, reasons=(reason,))
    comparison = compare(ports, definition, model, live)
    if comparison.waits:
        return comparison.reason
    basis = Basis(
        gate=definition.gate,
        approval=definition.release.approval,
        champion=live,
        evaluation_key=comparison.key or None,
    )
    if comparison.evaluation is None:
        # Nothing is known against the version, and nothing for it.
        reason = f"{comparison.reason}; a person must decide"
        return Decision(state=ModelState.NEEDS_PERSON, reasons=(reason,), basis=basis)
    needs_approval = definition.release.approval == "person"
    decision = decide(comparison.evaluation, definition.gate, live=live, needs_approval=needs_approval)
    return msgspec.structs.replace(decision, basis=basis)


def _wait(ports: Ports, model: ModelVersion, reason: str) -> ModelVersion:
    # Only a version without a decision says so: the others keep the one they have until there is a new one.
    if model.state is not ModelState.REGISTERED or model.reasons == (reason,):
        return model
    return ports.models.waiting(model, reason)
