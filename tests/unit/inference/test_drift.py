"""Drift: told by what it costs, not by what moved; measured over rows enough; told again while it lasts."""

import itertools
import json
import math
import random
from typing import Any

import msgspec
import pytest
from chalicelib.inference.answers import Answer
from chalicelib.inference.drift_index import Column, TopValue, psi
from chalicelib.inference.drifting import LOSS_LIMIT, MIN_ROWS, loss_of, loss_signal
from chalicelib.inference.estimating import expect
from chalicelib.inference.tally import Tally
from chalicelib.inference.workflow import monitoring

from shared.entities.monitoring import psi_limit
from shared.events import DriftDetected
from shared.tables import Change
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import records
from tests.unit.inference.test_ground_truth import tell

DRIFT = "/v1/endpoints/{pipeline}/drift"
NUMBERS = Column("distance", "number", 1000, 0, {f"{10 * i}%": 10.0 * i for i in range(1, 10)})
CARRIERS = Column("carrier", "string", 900, 100, {}, [TopValue("AA", 600), TopValue("UA", 300)])


def drift_of(rest, **query):
    answer = rest.call("GET", DRIFT, DRIFT, {"pipeline": "flights"}, query=query)
    assert answer.status == 200, answer.text
    return answer.body


def train(rest, promised: float, *, inputs: str = "full", version: str = "v1", **monitor: Any) -> None:
    """Give the live version a log loss and a baseline: distances spread evenly up to 100, two of three by AA."""
    stage = rest.stage
    stage.models.update(("flights", version), Change(set={"metrics": {"log_loss": promised}}))
    late = Column("late", "boolean", 1000, 0, {}, [TopValue("false", 830), TopValue("true", 170)])
    profile = msgspec.json.encode({"format": 1, "columns": [NUMBERS, CARRIERS, late]})
    stage.data.write("datasets/flights/d1/profile.json", profile)
    definition: dict[str, Any] = {"name": "flights", "task": "classification", "target": "late"}
    definition |= {"monitor": {"inputs": inputs, **monitor}}
    stage.pipelines.update(("pipeline", "flights"), Change(set={"definition": definition}))


def index(column: Column, values: list[Any]) -> float:
    found = psi(column, values)
    assert found is not None
    return found


def ask(rest, distances, carrier=("AA", "AA", "UA")):
    rows = [{"distance": d, "carrier": carrier[n % len(carrier)]} for n, d in enumerate(distances)]
    for start in range(0, len(rows), 50):
        assert rest.predict(records(*rows[start : start + 50])).status == 200
    answers = [answer_of("v1", row) for row in rows]
    return expect(answers).expected / len(rows)


EVEN = [round(n / 3) for n in range(300)]
FAR = [100 * n + 95 for n in range(300)]  # scores near a third: as unsure as this model gets


@pytest.fixture(autouse=True)
def sample_keeps_all(monkeypatch):
    """Let each request have a place of its own in the sample, as long as there are few."""
    turn = itertools.count()
    monkeypatch.setattr("chalicelib.inference.windows.random.randrange", lambda n: next(turn) % n)
    monkeypatch.setattr(
        "chalicelib.inference.windows.random.sample", lambda of, k: [next(turn) % len(of)] * k
    )


@pytest.fixture
def alarms(rest):
    return lambda: [event for event in rest.stage.bus.events if isinstance(event, DriftDetected)]


def test_traffic_like_the_training_data_is_no_drift_and_no_alarm(live, alarms):
    train(live, 0.43)
    promised = ask(live, EVEN)
    told = drift_of(live)
    assert (told["model_version"], told["rows"], told["alarm"], told["sampled_rows"]) == (
        "v1",
        300,
        False,
        300,
    )
    assert told["loss"]["estimated"] == pytest.approx(promised, abs=1e-4)
    assert {one["name"]: one["drifted"] for one in told["columns"]}["distance"] is False
    by_name = {one["name"]: one["psi"] for one in told["columns"]}
    assert by_name["distance"] < 0.05
    # The pipeline's inputs that the profile has nothing of.
    assert by_name["weekend"] is None
    shares = {one["name"]: one for one in told["answers"]["classes"]}
    assert shares["true"]["answered"] == pytest.approx(sum((d % 100 + 1) / 300 for d in EVEN) / 300, abs=1e-4)
    assert told["answers"]["psi"] < 0.01
    monitoring.check_all(live.stage.wire_monitoring())
    assert alarms() == []


def test_columns_that_moved_without_a_cost_are_told_and_are_no_alarm(live, alarms):
    train(live, 0.6)
    ask(live, FAR)
    told = drift_of(live)
    assert told["columns"][0]["name"] == "distance"
    assert (told["columns"][0]["psi"] > 1, told["columns"][0]["drifted"], told["alarm"]) == (
        True,
        True,
        False,
    )
    assert "no loss is above what was promised" in told["because"]
    monitoring.check_all(live.stage.wire_monitoring())
    assert alarms() == []


def test_an_expected_loss_above_the_promised_one_is_an_alarm_and_an_event(live, alarms):
    train(live, 0.43, inputs="none")
    expected = ask(live, FAR)
    assert expected / 0.43 > LOSS_LIMIT
    told = drift_of(live)
    assert (told["alarm"], "log_loss: 0.43 promised" in told["because"]) == (True, True)
    monitoring.check_all(live.stage.wire_monitoring())
    (event,) = alarms()
    assert (event.pipeline, event.version, event.signal) == ("flights", "v1", "estimated_loss")
    assert event.value == pytest.approx(expected / 0.43, abs=0.01)


def test_the_pipeline_may_want_the_distribution_itself_to_alarm_or_nothing(live):
    train(live, 0.6, alarm_on="drift")
    ask(live, FAR)
    told = drift_of(live)
    assert (told["alarm"], "column distance" in told["because"]) == (True, True)
    train(live, 0.3, alarm_on="nothing")
    assert drift_of(live)["alarm"] is False


def test_what_labels_measure_comes_before_what_answers_expect(live, alarms):
    train(live, 0.43)
    ask(live, FAR)
    assert drift_of(live)["alarm"] is True
    # The model is unsure, and right: every answer that is told true was one of its likely ones.
    labels = [(f"request-{n}-{row}", False) for n in range(1, 7) for row in range(50)]
    for start in range(0, 300, 100):
        tell(live, *labels[start : start + 100])
    told = drift_of(live)
    assert told["loss"]["labelled"] == 300
    assert (told["loss"]["measured"] < 0.43, told["alarm"]) == (True, False)
    live.stage.models.update(("flights", "v1"), Change(set={"metrics": {"log_loss": 0.1}}))
    monitoring.check_all(live.stage.wire_monitoring())
    assert [event.signal for event in alarms()] == ["measured_loss"]


def test_columns_are_compared_only_where_records_are_captured_and_the_answer_says_so(live):
    train(live, 0.43, inputs="none")
    ask(live, EVEN)
    told = drift_of(live)
    assert told.get("columns") is None
    assert any("monitor.inputs is none" in note for note in told["notes"])
    assert told["answers"]["psi"] >= 0


def test_too_few_rows_give_no_verdict(live):
    train(live, 0.1)
    ask(live, FAR[: MIN_ROWS - 1])
    told = drift_of(live)
    assert (told["alarm"], told["because"]) == (False, f"{MIN_ROWS - 1} rows; a verdict takes {MIN_ROWS}")
    assert (told.get("columns"), told.get("answers")) == (None, None)


def test_what_is_rarely_asked_is_judged_over_a_longer_time(live):
    train(live, 0.43)
    ask(live, FAR[:150])
    live.stage.clock.advance(5 * 3600)
    ask(live, FAR[150:])
    assert (drift_of(live)["rows"], drift_of(live)["alarm"]) == (300, True)
    assert drift_of(live, window="1h")["rows"] == 150


def test_an_alarm_is_told_at_each_look_while_it_lasts_and_looks_are_as_often_as_the_pipeline_wants(
    live, alarms
):
    train(live, 0.43, every="10m")
    ask(live, FAR)
    stage, monitor = live.stage, live.stage.wire_monitoring()
    for _ in range(21):
        monitoring.check_all(monitor)
        stage.clock.advance(60)
    assert len(alarms()) == 3
    assert len({event.identity() for event in alarms()}) == 1
    row: Any = stage.releases.get("flights", "monitor")
    assert row["alarm_since"] == "2026-01-01T00:00:00Z"


def test_a_look_that_crashes_before_it_is_noted_is_made_again(live, alarms, monkeypatch):
    train(live, 0.43)
    ask(live, FAR)
    monitor = live.stage.wire_monitoring()
    monkeypatch.setattr(monitor.checks, "write", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    monitoring.check_all(monitor)
    monitoring.check_all(live.stage.wire_monitoring())
    assert len(alarms()) == 2


def test_one_pipeline_that_cannot_be_looked_at_does_not_hold_up_the_others(live, alarms):
    train(live, 0.43)
    ask(live, FAR)
    live.stage.add_pipeline("a-broken-one")
    live.stage.releases.put({"pipeline": "a-broken-one", "entry": "current", "live": "v9"})
    monitoring.check_all(live.stage.wire_monitoring())
    assert len(alarms()) == 1


def test_nothing_live_is_no_drift(rest):
    told = drift_of(rest)
    assert (told["model_version"], told["alarm"], told["because"]) == (None, False, "nothing is live")
    answer = rest.call("GET", DRIFT, DRIFT, {"pipeline": "nobody"})
    assert answer.status == 404


def test_a_baseline_that_is_gone_leaves_the_loss(live):
    train(live, 0.43)
    live.stage.data.delete("datasets/flights/d1/profile.json")
    ask(live, FAR)
    told = drift_of(live)
    assert (told["alarm"], told.get("answers")) == (True, None)
    assert any("profile" in note for note in told["notes"])


# ---- the index ------------------------------------------------------------------------------------------------


def test_the_index_of_numbers_is_by_the_deciles_of_training():
    even = [n / 10 for n in range(1000)]
    assert psi(NUMBERS, even) == pytest.approx(0, abs=1e-3)
    # All in one of ten bins: 0.9 ln(1 / 0.1) there, nine times 0.1 ln(0.1 / 0.0001) elsewhere, by hand.
    expected = (1 - 0.1) * math.log(1 / 0.1) + 9 * (1e-4 - 0.1) * math.log(1e-4 / 0.1)
    assert psi(NUMBERS, [5] * 1000) == pytest.approx(expected)


def test_a_value_that_stays_away_or_is_new_is_drift():
    same = ["AA"] * 600 + ["UA"] * 300 + [None] * 100
    assert psi(CARRIERS, same) == pytest.approx(0, abs=1e-9)
    assert index(CARRIERS, ["AA"] * 600 + ["UA"] * 300 + ["ZZ"] * 100) > 0.2
    assert index(CARRIERS, [None] * 1000) > 1


def test_samples_of_the_training_distribution_rarely_pass_the_usual_limit():
    draw = random.Random(3)
    over = sum(index(NUMBERS, [draw.uniform(0, 100) for _ in range(MIN_ROWS)]) > 0.2 for _ in range(300))
    assert over == 0


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (NUMBERS, []),
        (NUMBERS, ["text"] * 10),
        (Column("id", "string", 1000, 0, {}, [TopValue("a", 1)]), ["b"] * 10),
        (Column("when", "datetime", 1000), ["2026-01-01"] * 10),
    ],
)
def test_where_the_profile_says_too_little_there_is_no_index(column, values):
    assert psi(column, values) is None


# ---- the estimate ----------------------------------------------------------------------------------------------


def test_the_expected_loss_of_a_calibrated_model_is_its_log_loss():
    draw = random.Random(5)
    shares = [draw.uniform(0.01, 0.99) for _ in range(40_000)]
    said = expect(Answer(value=p > 0.5, scores={"false": 1 - p, "true": p}) for p in shares)
    truths = [draw.random() < p for p in shares]
    log_loss = -sum(math.log(p if t else 1 - p) for p, t in zip(shares, truths, strict=True)) / len(shares)
    assert said.expected / said.estimated == pytest.approx(log_loss, rel=0.01)
    assert said.shares[1] / 1e6 / len(shares) == pytest.approx(sum(truths) / len(truths), abs=0.01)


def test_of_a_regression_the_width_of_its_intervals_says_how_wrong_it_expects_to_be(live):
    model = msgspec.structs.replace(
        live.stage.adapters.models.get("flights", "v1"),
        task="regression",
        metrics={"mae": 2.0, "interval_width": 8.0},
    )
    said = expect(Answer(value=1.0, interval=(0.0, 10.0 + n % 2)) for n in range(400))
    loss = loss_of(model, said + Tally(rows=400))
    assert loss is not None
    assert loss.estimated == pytest.approx(2.0 * 10.5 / 8.0)
    signal = loss_signal(loss)
    assert signal is not None
    assert signal.value == pytest.approx((10.5 - 1.645 * 0.5 / 20) / 8)


def test_answers_that_say_nothing_of_their_loss_are_not_estimated():
    assert expect([Answer(value=1.0), Answer(value="a")]) == Tally()


def test_a_few_unsure_rows_are_chance_and_no_alarm(live):
    model = msgspec.structs.replace(
        live.stage.adapters.models.get("flights", "v1"), metrics={"log_loss": 0.33}
    )
    sure, unsure = {"false": 0.99, "true": 0.01}, {"false": 0.5, "true": 0.5}
    wild = [Answer(value=True, scores=unsure if n % 2 else sure) for n in range(MIN_ROWS)]
    loss = loss_of(model, expect(wild))
    assert loss is not None
    # The mean is 13 % above, the lower end of its interval is not 10 %.
    assert loss.estimated is not None
    assert loss.estimated / 0.33 > LOSS_LIMIT
    assert loss_signal(loss) is None


def test_the_clause_of_a_definition_is_a_number():
    assert psi_limit("psi > 0.25") == 0.25
    with pytest.raises(ValueError, match="form"):
        psi_limit("psi > x")


def test_drift_tells_no_value_of_any_record(live):
    train(live, 0.43)
    ask(live, [123_456] * 300)
    assert "123456" not in json.dumps(drift_of(live))
