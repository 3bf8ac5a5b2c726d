"""The quality gate: from ``evaluation.json`` and the pipeline's clauses to a decision with its reasons.

Absolute clauses hold on the point estimate. Relative ones hold on the pessimistic end of the 90 % paired
bootstrap interval: for ``<`` and ``<=`` its upper end, for ``>`` and ``>=`` its lower end, so noise does
not pass. "Beats the naive baseline" on the primary metric is always added and is strict: a tie fails.

A clause that cannot be judged for a reason outside the model (the champion could not be loaded, the clause
is not in the grammar) fails too, but leaves the decision to a person: a changed schema would otherwise
reject every later model without anyone being asked.
"""

import math
import operator
from typing import TypeGuard

import msgspec
from chalicelib.training.evaluation import Evaluation

from shared.entities.gate_clauses import Clause, ClauseError, parse_clause
from shared.entities.training import Basis, ModelState, Verdict

MIN_ROWS = 200
_DEMANDS = {
    ">=": "at least {} is needed",
    "<=": "at most {} is allowed",
    ">": "more than {} is needed",
    "<": "less than {} is needed",
}
_HOLDS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a model version, why in sentences, and how each clause was judged.

    ``basis`` is None where a person decided.
    """

    state: ModelState
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()
    basis: Basis | None = None


class _Judged(msgspec.Struct, frozen=True):
    """A verdict, and whether it failed for a reason that is not the model's."""

    verdict: Verdict
    undecidable: bool = False


def decide(
    evaluation: Evaluation, gate: tuple[str, ...], *, live: str | None, needs_approval: bool
) -> Decision:
    """Judge every clause of *gate* and the added one, then decide.

    Parameters
    ----------
    live
        The version live now, which is the champion the evaluation knows; None while nothing is live.
    needs_approval
        The pipeline wants a person to approve what passes.
    """
    judged = [_judge_text(text, evaluation, live) for text in gate]
    judged.append(_judge(_added(evaluation), evaluation, live))
    verdicts = tuple(each.verdict for each in judged)
    failed = [each for each in judged if each.verdict.outcome == "failed"]
    reasons = tuple(f"{each.verdict.clause}: {each.verdict.detail}" for each in failed)
    if evaluation.rows < MIN_ROWS:
        # Neither a pass nor a failure means much on so few rows.
        few = f"only {evaluation.rows} rows could judge, at least {MIN_ROWS} are needed: a person must decide"
        return Decision(state=ModelState.NEEDS_PERSON, reasons=(few, *reasons), verdicts=verdicts)
    return Decision(state=_state_after(failed, needs_approval), reasons=reasons, verdicts=verdicts)


def _state_after(failed: list[_Judged], needs_approval: bool) -> ModelState:
    # One clear failure is enough: what could not be judged would not save the model.
    if any(not each.undecidable for each in failed):
        return ModelState.REJECTED
    if failed:
        return ModelState.NEEDS_PERSON
    return ModelState.PENDING_APPROVAL if needs_approval else ModelState.APPROVED


def gate_metrics(gate: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metrics that the clauses name, in order, each once; clauses that do not parse name none."""
    names: dict[str, None] = {}
    for text in gate:
        try:
            names[parse_clause(text).metric] = None
        except ClauseError:
            continue
    return tuple(names)


def _added(evaluation: Evaluation) -> Clause:
    """Return the clause every gate ends with; a primary metric of unknown direction fails as missing."""
    comparison = ">" if evaluation.higher_is_better.get(evaluation.primary) else "<"
    text = f"{evaluation.primary} {comparison} baseline"
    return Clause(text=text, metric=evaluation.primary, operator=comparison, reference="baseline", bound=0.0)


def _judge_text(text: str, evaluation: Evaluation, live: str | None) -> _Judged:
    try:
        return _judge(parse_clause(text), evaluation, live)
    except ClauseError as error:
        return _Judged(Verdict(clause=text, outcome="failed", detail=str(error)), undecidable=True)


def _judge(clause: Clause, evaluation: Evaluation, live: str | None) -> _Judged:
    if clause.reference == "champion":
        if live is None:
            return _Judged(Verdict(clause=clause.text, outcome="skipped", detail="no champion"))
        if evaluation.champion_error:
            detail = f"the champion {live} could not be judged: {evaluation.champion_error}"
            return _Judged(Verdict(clause=clause.text, outcome="failed", detail=detail), undecidable=True)
    if clause.reference is None:
        return _Judged(_judge_absolute(clause, evaluation))
    return _Judged(_judge_relative(clause, evaluation))


def _judge_absolute(clause: Clause, evaluation: Evaluation) -> Verdict:
    value = evaluation.value(clause.metric)
    if not _is_number(value):
        return _unknown(clause, evaluation, clause.metric)
    return _verdict(clause, value, f"{clause.metric} is {value:.6g}", f"{clause.bound:.6g}")


def _judge_relative(clause: Clause, evaluation: Evaluation) -> Verdict:
    interval = evaluation.difference(clause.metric, str(clause.reference))
    # What the demand is hardest at: a wide interval means few or noisy rows, and must not help.
    end = interval.low if clause.operator in {">", ">="} else interval.high
    if not _is_number(end) or not _is_number(interval.estimate):
        return _unknown(clause, evaluation, f"the difference of {clause.metric} to the {clause.reference}")
    ours = evaluation.value(clause.metric)
    figures = "" if ours is None else f" of {ours:.6g} against {ours - interval.estimate:.6g}"
    detail = (
        f"{clause.metric}{figures} differs by {interval.estimate:+.6g} from the {clause.reference}, "
        f"on {evaluation.rows} rows by {end:+.6g} at the pessimistic end of the 90 % interval"
    )
    return _verdict(clause, end, detail, f"{clause.bound:+.6g}")


def _unknown(clause: Clause, evaluation: Evaluation, what: str) -> Verdict:
    only = evaluation.only_class
    why = "" if only is None else f": all {evaluation.rows} judged rows are of the class {only!r}"
    return Verdict(clause=clause.text, outcome="failed", detail=f"{what} is missing or not a number{why}")


def _verdict(clause: Clause, value: float, found: str, bound: str) -> Verdict:
    held = _HOLDS[clause.operator](value, clause.bound)
    demand = _DEMANDS[clause.operator].format(bound)
    return Verdict(clause=clause.text, outcome="passed" if held else "failed", detail=f"{found}; {demand}")


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
