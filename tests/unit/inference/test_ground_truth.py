"""Ground truth: joined by id whenever it comes, counted once, corrected by what was observed later."""

import json
import math
import random
from typing import Any

import pytest
from chalicelib.inference.answers import Answer, Item, Point
from chalicelib.inference.quality import Misfit, judge
from chalicelib.inference.tally import Step
from chalicelib.inference.workflow import requests, rollout

from shared.errors import ConditionFailed, Unavailable
from shared.events import ModelVersionApproved
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import records
from tests.unit.inference.test_prediction_log import found, metrics_of

ONE = {"distance": 7, "carrier": "AA"}
TRUTH = "/v1/ground-truth/{pipeline}"


def tell(rest, *labels, pipeline="flights"):
    body = json.dumps(
        {"labels": [dict(zip(("id", "value", "observed_at"), one, strict=False)) for one in labels]}
    )
    return rest.call("POST", TRUTH, TRUTH, {"pipeline": pipeline}, body)


def results(answer):
    assert answer.status == 200, answer.text
    return [one["result"] for one in answer.body["results"]]


def quality(rest, version="v1"):
    found = metrics_of(rest)[version]
    return found["labelled"], found.get("accuracy"), found.get("log_loss")


def test_labels_give_the_quality_of_the_version_that_answered(live):
    live.predict(records(ONE, {**ONE, "distance": 90}))
    right: list[Any] = [answer_of("v1", record) for record in (ONE, {"distance": 90})]
    answer = tell(live, ("request-1-0", right[0].value), ("request-1-1", not right[1].value))
    assert results(answer) == ["joined", "joined"]
    assert answer.body["counts"] == {"joined": 2}
    shares = [right[0].scores[str(right[0].value).lower()], right[1].scores[str(not right[1].value).lower()]]
    assert quality(live) == (2, 0.5, pytest.approx(-sum(map(math.log, shares)) / 2, abs=1e-6))
    label = found(live, "request-1-0").body["label"]
    assert label == {
        "value": right[0].value,
        "observed_at": "2026-01-01T00:00:00Z",
        "received_at": "2026-01-01T00:00:00Z",
    }


def test_the_same_label_again_changes_nothing_and_of_two_values_the_later_observed_holds(live):
    live.predict(records(ONE))
    value = answer_of("v1", ONE).value
    name = "request-1-0"
    assert results(tell(live, (name, not value, "2026-01-01T10:00:00Z"))) == ["joined"]
    assert results(tell(live, (name, not value, "2026-01-01T11:00:00Z"))) == ["unchanged"]
    assert results(tell(live, (name, value, "2026-01-01T09:00:00Z"))) == ["superseded"]
    assert quality(live)[:2] == (1, 0.0)
    assert results(tell(live, (name, value, "2026-01-01T12:00:00+01:00"))) == ["replaced"]
    assert quality(live)[:2] == (1, 1.0)


def test_of_one_prediction_in_one_request_the_label_observed_last_holds(live):
    live.predict(records(ONE))
    name = "request-1-0"
    labels = [(name, True, "2026-01-02T00:00:00Z"), (name, False, "2026-01-03T00:00:00Z"), (name, False)]
    assert results(tell(live, *labels)) == ["superseded", "joined", "unchanged"]
    assert quality(live)[0] == 1


def test_a_label_that_comes_before_its_prediction_waits_and_is_joined(live):
    live.stage.log.paused = True
    live.predict(records(ONE))
    value = answer_of("v1", ONE).value
    assert results(tell(live, ("request-1-0", value))) == ["waiting"]
    assert results(tell(live, ("request-1-0", value))) == ["waiting"]
    live.stage.log.resume()
    assert quality(live)[:2] == (1, 1.0)
    assert results(tell(live, ("request-1-0", value))) == ["unchanged"]
    assert quality(live)[:2] == (1, 1.0)


def test_a_label_is_joined_when_the_line_comes_while_it_is_being_stored(live):
    live.stage.log.paused = True
    live.predict(records(ONE))
    transact = live.stage.predictions.transact

    def log_first(*writes):
        live.stage.predictions.transact = transact
        live.stage.log.resume()
        transact(*writes)

    live.stage.predictions.transact = log_first
    assert results(tell(live, ("request-1-0", True))) == ["joined"]
    assert quality(live)[0] == 1


def test_labels_that_name_nothing_or_do_not_fit_are_told_one_by_one(live):
    live.predict(records(ONE))
    answer = tell(
        live,
        ("nonsense", True),
        ("request-1-7", True),
        ("request-9-0", True),
        ("request-1-0", [1]),
        ("request-1-0", True),
    )
    assert results(answer) == ["invalid", "invalid", "waiting", "superseded", "joined"]
    assert "not answered" in answer.body["results"][1]["detail"]


def test_labels_of_another_pipeline_touch_nothing(live):
    live.stage.add_pipeline("trains")
    live.predict(records(ONE))
    assert results(tell(live, ("request-1-0", True), pipeline="trains")) == ["waiting"]
    assert "label" not in found(live, "request-1-0").body
    assert results(tell(live, ("request-1-0", True))) == ["joined"]
    assert tell(live, ("request-1-0", True), pipeline="ghosts").status == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"labels": []}, "/labels"),
        ({"labels": [{"id": "a-1"}]}, "/labels/0"),
        ({"labels": [{"id": "a-1", "value": None}]}, "/labels/0/value"),
        (
            {"labels": [{"id": "a-1", "value": 1, "observed_at": "2026-01-01T00:00:00"}]},
            "/labels/0/observed_at",
        ),
        ({"labels": [{"id": "a-1", "value": 1}] * 1001}, "/labels"),
    ],
)
def test_a_request_that_is_not_of_the_contract_is_refused_with_the_place(live, body, pointer):
    answer = live.call("POST", TRUTH, TRUTH, {"pipeline": "flights"}, json.dumps(body))
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"].startswith(pointer)


def test_labels_that_others_write_at_the_same_time_are_counted_once(live):
    live.predict(records(*[ONE] * 50))
    labels = [(f"request-1-{row}", True) for row in range(50)]
    draw = random.Random(1)
    transact = live.stage.predictions.transact

    def contended(*writes):
        if draw.random() < 0.5:
            raise draw.choice([ConditionFailed, Unavailable])("somebody else")
        transact(*writes)

    live.stage.predictions.transact = contended
    while (answer := tell(live, *labels)).status == 503:
        pass
    assert set(results(answer)) <= {"joined", "unchanged"}
    assert quality(live)[0] == 50


def test_a_label_of_a_canary_is_in_what_its_verdict_rests_on(live):
    live.stage.add_pipeline("flights", strategy="canary", steps=["50%"])
    live.stage.add_model("v2", "v1")
    approved = ModelVersionApproved(pipeline="flights", version="v2", job_id="j")
    requests.on_model_approved(live.stage.adapters, approved)
    live.stage.endpoints.finish()
    rollout.advance(live.stage.adapters, "flights")
    live.stage.monotonic += 5
    asked = [live.predict(records(ONE)).body for _ in range(4)]
    candidates = [one["predictions"][0]["id"] for one in asked if one["model_version"] == "v2"]
    assert candidates
    tell(live, *[(name, answer_of("v2", ONE).value) for name in candidates])
    gen = live.stage.release().gen
    tally = live.stage.adapters.traffic.of(Step(pipeline="flights", gen=gen, version="v2"))
    assert (tally.labelled, tally.correct) == (len(candidates), len(candidates))


@pytest.mark.parametrize("window", ["1", "0h", "31d", "1w", "h1"])
def test_a_window_that_is_none_is_refused(live, window):
    path = "/v1/endpoints/{pipeline}/metrics"
    assert live.call("GET", path, path, {"pipeline": "flights"}, query={"window": window}).status == 400


def test_a_window_sees_what_was_answered_in_it(live):
    live.predict(records(ONE))
    live.stage.clock.advance(3 * 3600)
    assert metrics_of(live) == {}
    assert metrics_of(live, window="1d")["v1"]["requests"] == 1


def test_numbers_and_forecasts_are_judged_by_how_far_off_they_are():
    tally = judge(Answer(value=3.0), 5)
    assert (tally.measured, tally.absolute_error, tally.squared_error) == (1, 2.0, 4.0)
    forecast = Answer(points=tuple(Point(time=str(n), value=float(n)) for n in range(3)))
    tally = judge(forecast, (1.0, None))
    assert (tally.labelled, tally.measured, tally.absolute_error) == (1, 1, 1.0)
    for wrong in ((1.0,) * 4, 1.0, ("a",), (None,)):
        with pytest.raises(Misfit):
            judge(forecast, wrong)
    with pytest.raises(Misfit):
        judge(Answer(value=3.0), "three")


def test_a_class_is_right_however_it_is_spelled_and_an_unseen_one_costs_much():
    answer = Answer(value=3, scores={"3": 0.75, "4": 0.25})
    assert [judge(answer, truth).correct for truth in (3, 3.0, "3", 4)] == [1, 1, 1, 0]
    assert judge(answer, 5).log_loss == pytest.approx(36.04, abs=0.01)
    assert judge(Answer(value=True, scores={"true": 1.0, "false": 0.0}), "true").log_loss == 0


def test_a_recommendation_is_right_when_a_taken_item_was_among_it():
    answer = Answer(items=(Item(item=7), Item(item="a")))
    assert [judge(answer, truth).correct for truth in (7, "a", (1, 7), (1, 2))] == [1, 1, 1, 0]
