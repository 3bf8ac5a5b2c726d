"""The gate: its grammar, its judgement and the decisions that follow."""

import json
from typing import Any

import msgspec
import pytest
from chalicelib.training.evaluation import Evaluation, decode_evaluation
from chalicelib.training.gate import Decision, decide, gate_metrics

from shared.entities.gate_clauses import ClauseError, parse_clause
from shared.entities.training import ModelState
from tests.unit.training.world import make_evaluation, make_serving

APPROVED, REJECTED = ModelState.APPROVED, ModelState.REJECTED
NEEDS_PERSON, PENDING = ModelState.NEEDS_PERSON, ModelState.PENDING_APPROVAL


def evaluation_of(**changes: Any) -> Evaluation:
    return msgspec.json.decode(json.dumps(make_evaluation(**changes)), type=Evaluation)


def against_champion(low: float | None, high: float | None, estimate: float | None = 0.0) -> Evaluation:
    base = make_evaluation()["differences"]["baseline"]
    interval = {"estimate": estimate, "low": low, "high": high}
    return evaluation_of(
        differences={"champion": {"log_loss": interval, "roc_auc": interval}, "baseline": base},
        champion_version="v1",
    )


def judged(evaluation: Evaluation, *gate: str, live: str | None = "v1", person: bool = False) -> Decision:
    return decide(evaluation, gate, live=live, needs_approval=person)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roc_auc >= 0.60", ("roc_auc", ">=", None, 0.6)),
        ("roc_auc>=.6", ("roc_auc", ">=", None, 0.6)),
        ("mae < 1e3", ("mae", "<", None, 1000.0)),
        ("r2 > -0.5", ("r2", ">", None, -0.5)),
        ("log_loss <= champion + 0.005", ("log_loss", "<=", "champion", 0.005)),
        ("roc_auc >= champion - 0.01", ("roc_auc", ">=", "champion", -0.01)),
        ("log_loss < baseline", ("log_loss", "<", "baseline", 0.0)),
        ("  f1  >=  baseline+.1  ", ("f1", ">=", "baseline", 0.1)),
    ],
)
def test_a_clause_is_read(text: str, expected: tuple[str, str, str | None, float]) -> None:
    clause = parse_clause(text)
    assert (clause.metric, clause.operator, clause.reference, clause.bound) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("roc_auc = 0.6", "expected one of >=, <=, >, < at position 9"),
        ("roc_auc >=", "expected a number at position 11, found nothing"),
        (">= 0.6", "expected the name of a metric at position 1"),
        ("roc_auc >= 0.6 or 1", "expected the end of the clause at position 16"),
        ("log_loss <= champoin + 1", "expected a number, champion or baseline at position 13"),
        ("log_loss <= champion 0.1", "expected + or - at position 22"),
        ("log_loss <= champion +", "expected a number at position 23"),
        ("__import__('os') > 1", "expected the name of a metric at position 1"),
        ("roc_auc >= nan", "expected a number, champion or baseline"),
        ("mae < 1e999", "a number that is not infinite at position 7"),
        ("", "expected the name of a metric at position 1, found nothing"),
    ],
)
def test_what_is_no_clause_is_refused_at_its_position(text: str, says: str) -> None:
    with pytest.raises(ClauseError) as caught:
        parse_clause(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("clause", "state"),
    [
        ("roc_auc >= 0.70", APPROVED),
        ("roc_auc > 0.70", REJECTED),
        ("roc_auc >= 0.71", REJECTED),
        ("log_loss <= 0.56", APPROVED),
        ("log_loss < 0.56", REJECTED),
        ("accuracy >= 0.1", REJECTED),
    ],
)
def test_an_absolute_clause_holds_on_the_estimate_and_a_missing_metric_fails(
    clause: str, state: ModelState
) -> None:
    assert judged(evaluation_of(), clause).state is state


def test_a_metric_that_one_class_leaves_undefined_is_refused_with_that_reason() -> None:
    told = make_evaluation()
    told["metrics"]["challenger"]["roc_auc"] = None
    evaluation = msgspec.convert(told | {"only_class": "no", "rows": 600}, Evaluation)
    assert judged(evaluation, "roc_auc >= 0.6").verdicts[0].detail == (
        "roc_auc is missing or not a number: all 600 judged rows are of the class 'no'"
    )


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_is_no_finite_number_passes_no_clause(value: float) -> None:
    told = evaluation_of()
    worthless = msgspec.structs.replace(
        told.metrics, challenger={**told.metrics.challenger, "log_loss": value}
    )
    verdict = judged(msgspec.structs.replace(told, metrics=worthless), "log_loss <= 0.6").verdicts[0]
    assert (verdict.outcome, verdict.detail) == ("failed", "log_loss is missing or not a number")


@pytest.mark.parametrize(
    ("clause", "low", "high", "state"),
    [
        ("log_loss <= champion + 0.005", -0.1, 0.004, APPROVED),
        ("log_loss <= champion + 0.005", -0.1, 0.005, APPROVED),
        ("log_loss <= champion + 0.005", -0.1, 0.006, REJECTED),
        ("log_loss < champion", -0.1, 0.0, REJECTED),
        ("roc_auc >= champion - 0.01", -0.009, 0.3, APPROVED),
        ("roc_auc >= champion - 0.01", -0.011, 0.3, REJECTED),
        ("roc_auc > champion", 0.0, 0.3, REJECTED),
        ("roc_auc > champion", 0.001, 0.3, APPROVED),
        ("log_loss <= champion + 0.005", -0.1, None, REJECTED),
        ("roc_auc >= champion - 0.01", None, 0.3, REJECTED),
    ],
)
def test_a_relative_clause_holds_on_the_pessimistic_end(
    clause: str, low: float | None, high: float | None, state: ModelState
) -> None:
    assert judged(against_champion(low, high), clause).state is state


def test_every_refusal_is_a_sentence_with_its_figures() -> None:
    decision = judged(against_champion(-0.01, 0.03, 0.01), "log_loss <= champion + 0.005", "roc_auc > 0.8")
    assert decision.reasons == (
        "log_loss <= champion + 0.005: log_loss of 0.56 against 0.55 differs by +0.01 from the champion, on 500 "
        "rows by +0.03 at the pessimistic end of the 90 % interval; at most +0.005 is allowed",
        "roc_auc > 0.8: roc_auc is 0.7; more than 0.8 is needed",
    )


def test_champion_clauses_are_skipped_only_while_nothing_is_live() -> None:
    clause = "log_loss <= champion + 0.005"
    skipped = judged(evaluation_of(), clause, live=None)
    assert skipped.state is APPROVED
    assert (skipped.verdicts[0].outcome, skipped.verdicts[0].detail) == ("skipped", "no champion")
    assert judged(evaluation_of(), clause, live="v1").state is REJECTED


def test_a_champion_that_could_not_be_judged_leaves_the_decision_to_a_person() -> None:
    evaluation = evaluation_of(champion_error="the schema changed")
    decision = judged(evaluation, "log_loss <= champion + 0.005")
    assert decision.state is NEEDS_PERSON
    assert "the schema changed" in decision.reasons[0]
    failing = judged(evaluation, "log_loss <= champion + 0.005", "roc_auc >= 0.99")
    assert failing.state is REJECTED


def test_a_clause_outside_the_grammar_never_passes() -> None:
    decision = judged(evaluation_of(), "roc_auc is good")
    assert decision.state is NEEDS_PERSON
    assert "position 9" in decision.reasons[0]


@pytest.mark.parametrize("high", [0.0, 0.01, None])
def test_a_model_that_does_not_surely_beat_the_naive_baseline_is_rejected(high: float | None) -> None:
    differences = {
        "champion": None,
        "baseline": {"log_loss": {"estimate": -0.1, "low": -0.2, "high": high}},
    }
    decision = judged(evaluation_of(differences=differences))
    assert decision.state is REJECTED
    assert decision.verdicts[-1].clause == "log_loss < baseline"


def test_the_baseline_is_beaten_upwards_where_higher_is_better() -> None:
    evaluation = evaluation_of(primary="roc_auc")
    assert judged(evaluation).verdicts[-1].clause == "roc_auc > baseline"
    assert judged(evaluation).state is APPROVED


def test_a_metric_that_is_null_fails() -> None:
    metrics = {"challenger": {"roc_auc": None}, "champion": None, "baseline": {}}
    assert judged(evaluation_of(metrics=metrics), "roc_auc >= 0.1").state is REJECTED


@pytest.mark.parametrize(("rows", "state"), [(199, NEEDS_PERSON), (200, APPROVED), (0, NEEDS_PERSON)])
def test_too_few_rows_are_no_verdict(rows: int, state: ModelState) -> None:
    assert judged(evaluation_of(rows=rows)).state is state


def test_a_pass_waits_for_a_person_where_the_pipeline_says_so() -> None:
    assert judged(evaluation_of(), person=True).state is PENDING
    assert judged(evaluation_of(), "roc_auc >= 0.99", person=True).state is REJECTED


def with_latency(**champion: float) -> Evaluation:
    served = json.dumps(make_serving(12.0, **champion)).encode()
    return decode_evaluation(msgspec.json.encode(against_champion(-0.1, -0.01)), served)


@pytest.mark.parametrize(
    ("clause", "state"),
    [
        ("latency_p95_ms <= 12", APPROVED),
        ("latency_p95_ms <= 11", REJECTED),
        ("latency_p95_ms <= champion + 5", APPROVED),
        ("latency_p95_ms <= champion + 3", REJECTED),
        ("latency_p95_ms <= baseline", REJECTED),
    ],
)
def test_what_serving_costs_is_judged_like_any_metric(clause: str, state: ModelState) -> None:
    assert judged(with_latency(estimate=2.0, low=1.0, high=4.0), clause).state is state


def test_a_latency_that_was_never_measured_fails() -> None:
    decision = judged(evaluation_of(), "latency_p95_ms <= 1000")
    assert decision.reasons == ("latency_p95_ms <= 1000: latency_p95_ms is missing or not a number",)


def test_the_metrics_of_a_gate_are_those_its_clauses_name() -> None:
    gate = ("roc_auc >= 0.6", "log_loss < champion", "nonsense", "roc_auc > baseline")
    assert gate_metrics(gate) == ("roc_auc", "log_loss")


def both(champion: tuple[float, float, float], baseline: tuple[float, float, float]) -> Evaluation:
    ends = ("estimate", "low", "high")
    found = {
        "champion": dict(zip(ends, champion, strict=True)),
        "baseline": dict(zip(ends, baseline, strict=True)),
    }
    return evaluation_of(
        differences={who: {"log_loss": interval} for who, interval in found.items()}, champion_version="v1"
    )


UNSURE, BETTER = (-0.01, -0.03, 0.01), (-0.04, -0.06, -0.02)


@pytest.mark.parametrize("live", ["v1", None])
def test_who_does_not_surely_beat_the_baseline_is_refused_however_much_better_than_the_live_version(
    live: str | None,
) -> None:
    decision = judged(both(BETTER, UNSURE), live=live)
    assert decision.state is REJECTED
    assert decision.reasons[-1].startswith("log_loss < baseline: ")
