"""A candidate on trial, from golden rows to live or back, asked by real requests."""

import json
from typing import Any

import msgspec
import pytest
from chalicelib.inference.answers import Answer, Item, Point
from chalicelib.inference.attempts import copy_of
from chalicelib.inference.disagreement import count_disagreements
from chalicelib.inference.formats import read_request
from chalicelib.inference.router import KEEP_S
from chalicelib.inference.states import Outcome
from chalicelib.inference.tally import Step, Tally, step_of
from chalicelib.inference.workflow import observing, predicting, reading, requests, rollout, tidying
from chalicelib.inference.workflow.context import Asked

from shared.entities.serving import Phase
from shared.errors import BadGateway, InvalidBody, NotFound, TimedOut
from shared.events import ReleaseCompleted, ReleaseRolledBack
from shared.tables import Change
from tests.unit.inference.fakes import DOWN, Stage

V1, V2 = "headrace-test-flights-v1", "headrace-test-flights-v2"
BOOM = BadGateway("boom")
CANARY = {"strategy": "canary", "steps": ["10%", "50%"], "bake": "1m", "min_requests": 5, "max_bake": "10m"}


def trial(**release: object) -> Stage:
    """Return a stage where v1 is live and v2's endpoint has just come up."""
    stage = Stage(**(CANARY | release))
    stage.add_model("v1")
    requests.promote(stage.adapters, "flights", "v1", stage.request())
    stage.endpoints.finish()
    rollout.advance(stage.adapters, "flights")
    assert stage.release().live == "v1", "the first release has nothing to compare with"
    stage.add_model("v2", "v1")
    requests.promote(stage.adapters, "flights", "v2", stage.request("better"))
    stage.endpoints.finish()
    tick(stage)
    return stage


def tick(stage: Stage, seconds: float = 0) -> None:
    stage.clock.advance(seconds)
    tidying.reconcile(stage.adapters)
    stage.monotonic += KEEP_S + 1


def ask(stage: Stage, times: int = 1, key: str | None = None) -> list[str]:
    """Return which versions answered."""
    body = {"records": [{"distance": 7, "carrier": "AA"}]} | ({"routing_key": key} if key else {})
    records = read_request(json.dumps(body).encode(), "application/json", None)
    asked = [Asked(request_id=f"r-{n}", pipeline="flights", records=records) for n in range(times)]
    return [predicting.predict(stage.predicting, one).predictions.model_version for one in asked]


def break_down(stage: Stage, version: str, error: Exception = BOOM) -> None:
    invoke = stage.runtime.invoke

    def failing(endpoint, records, rows, **options):
        if endpoint.endswith(f"-{version}"):
            raise error
        return invoke(endpoint, records, rows, **options)

    setattr(stage.runtime, "invoke", failing)  # noqa: B010 - the type checker takes no assignment to a method


def outcomes(stage: Stage) -> list[str]:
    entries = reading.get_history(stage.adapters, "flights", None, 50).entries
    return [entry.outcome for entry in entries][::-1]


def test_a_canary_goes_live_step_by_step_on_the_requests_it_answered_well():
    stage = trial()
    release = stage.release()
    assert (release.phase, release.weight, release.step, release.live) == (Phase.CANARY, 0.1, 0, "v1")
    assert ask(stage, 100).count("v2") == 10
    tick(stage, 59)
    assert stage.release().step == 0
    tick(stage, 1)
    assert (stage.release().weight, stage.release().step) == (0.5, 1)
    assert ask(stage, 100).count("v2") == 51
    tick(stage, 60)
    release = stage.release()
    assert (release.live, release.previous, release.phase, release.mode) == ("v2", "v1", Phase.IDLE, "direct")
    assert outcomes(stage)[2:] == ["STARTED", "CANARY", "CANARY", "LIVE"]
    newest = reading.get_history(stage.adapters, "flights", None, 2).entries
    assert newest[0].why.startswith("better (")
    assert "error_rate 0.0%" in newest[0].why
    assert (newest[0].who, newest[1].who, newest[1].weight) == ("ada", "headrace", 0.5)
    assert isinstance(stage.bus.events[-1], ReleaseCompleted)


def test_a_failing_canary_is_rolled_back_and_no_caller_notices():
    stage = trial()
    break_down(stage, "v2")
    assert set(ask(stage, 100)) == {"v1"}
    tick(stage, 1)
    release = stage.release()
    assert (release.live, release.candidate, release.outcome) == ("v1", None, Outcome.ROLLED_BACK)
    assert "error_rate > 1%: error_rate is 100.0%" in (release.reason or "")
    assert isinstance(stage.bus.events[-1], ReleaseRolledBack)
    newest = reading.get_history(stage.adapters, "flights", None, 1).entries[0]
    assert (newest.outcome, newest.who, newest.to_version) == ("ROLLED_BACK", "headrace", "v1")
    tick(stage, 60)
    assert set(stage.endpoints.made) == {V1}


def slow_down(stage: Stage, version: str, spent_s: float) -> None:
    """Let a version take its time and then not answer."""
    invoke = stage.runtime.invoke

    def slow(endpoint, *arguments, **options):
        if endpoint.endswith(f"-{version}"):
            stage.seconds += spent_s
            raise TimedOut("no answer in time")
        return invoke(endpoint, *arguments, **options)

    setattr(stage.runtime, "invoke", slow)  # noqa: B010 - the type checker takes no assignment to a method


def test_live_has_what_the_candidate_left_of_the_time_until_the_gateway_hangs_up():
    stage = trial(steps=["99%"])
    slow_down(stage, "v2", 20)
    stage.runtime.patience_s.clear()
    assert ask(stage) == ["v1"]
    assert stage.runtime.patience_s == [7.0]


def test_live_is_not_asked_when_the_gateway_would_hang_up_before_its_answer():
    stage = trial(steps=["99%"])
    slow_down(stage, "v2", 25)
    asked = len(stage.runtime.asked)
    with pytest.raises(TimedOut):
        ask(stage)
    assert len(stage.runtime.asked) == asked


def test_a_candidate_that_throttles_is_not_asked_again_since_live_can_answer():
    stage = trial(steps=["99%"])
    asked: list[str] = []
    invoke = stage.runtime.invoke

    def throttled(endpoint, *arguments, **options):
        asked.append(endpoint[-2:])
        if endpoint == V2:
            raise DOWN
        return invoke(endpoint, *arguments, **options)

    setattr(stage.runtime, "invoke", throttled)  # noqa: B010 - the type checker takes no assignment to a method
    assert (ask(stage), asked) == (["v1"], ["v2", "v1"])


def test_records_that_live_takes_and_the_candidate_refuses_count_against_the_candidate():
    stage = trial()
    break_down(stage, "v2", InvalidBody("no such column"))
    assert set(ask(stage, 60)) == {"v1"}
    tick(stage, 1)
    assert stage.release().outcome == Outcome.ROLLED_BACK


def test_what_both_refuse_is_the_callers_fault_and_counts_for_nobody():
    stage = trial()
    break_down(stage, "v1", InvalidBody("no"))
    break_down(stage, "v2", InvalidBody("no"))
    for _ in range(60):
        with pytest.raises(InvalidBody):
            ask(stage)
    counted = stage.adapters.traffic.of(Step(pipeline="flights", gen=2, version="v2"))
    assert counted == Tally()


def test_the_same_key_meets_the_same_version_through_all_steps():
    stage = trial()
    keys = [f"user-{n}" for n in range(60)]
    first = {key for key in keys if set(ask(stage, 2, key)) == {"v2"}}
    tick(stage, 60)
    assert stage.release().step == 1
    second = {key for key in keys if set(ask(stage, 2, key)) == {"v2"}}
    assert first < second < set(keys)


def test_silence_is_answered_as_the_pipeline_says():
    live = {}
    for on_silence in ("promote", "rollback", "wait"):
        stage = trial(on_silence=on_silence)
        tick(stage, 600)
        tick(stage, 600)
        live[on_silence] = (stage.release().live, stage.release().candidate)
    assert live == {"promote": ("v2", None), "rollback": ("v1", None), "wait": ("v1", "v2")}


def test_a_trial_may_last_longer_than_an_endpoint_may_take_to_start():
    stage = trial(on_silence="wait", max_bake="10m")
    tick(stage, 24 * 3600)
    assert stage.release().phase is Phase.CANARY


@pytest.mark.parametrize("status", [None, "Failed"])
def test_a_candidate_whose_endpoint_is_lost_is_rolled_back(status):
    stage = trial()
    if status is None:
        del stage.endpoints.made[V2]
    else:
        stage.endpoints.made[V2] = msgspec.structs.replace(stage.endpoints.made[V2], status=status)
    assert set(ask(stage, 30)) == {"v1"}
    tick(stage)
    assert (stage.release().live, stage.release().outcome) == ("v1", Outcome.ROLLED_BACK)


def test_a_rollback_in_the_middle_of_a_canary_reaches_every_new_request_within_two_seconds():
    stage = trial()
    tick(stage)
    ask(stage, 20)
    requests.roll_back(stage.adapters, "flights", stage.request("enough"))
    stage.monotonic += KEEP_S + 0.01
    assert set(ask(stage, 100)) == {"v1"}


def test_a_request_routed_by_an_old_row_to_an_endpoint_that_is_gone_is_answered():
    stage = trial()
    assert "v2" in ask(stage, 20)
    requests.roll_back(stage.adapters, "flights", stage.request())
    del stage.endpoints.made[V2]
    assert set(ask(stage, 20)) == {"v1"}


def test_counters_that_cannot_be_written_cost_no_answer(monkeypatch):
    stage = trial()

    def fail(*_, **__):
        raise DOWN

    monkeypatch.setattr(stage.predictions, "update", fail)
    assert len(ask(stage, 20)) == 20


def test_counters_are_no_predictions_that_anybody_could_read():
    stage = trial()
    ask(stage, 100)
    keys = [key for key in stage.predictions.rows if str(key[0]).startswith("traffic#")]
    assert keys
    for partition, _ in keys:
        with pytest.raises(NotFound):
            predicting.find_prediction(stage.predicting, "flights", f"{partition}-0")


def test_requests_are_counted_only_while_a_candidate_is_on_trial():
    stage = trial()
    requests.roll_back(stage.adapters, "flights", stage.request())
    stage.monotonic += KEEP_S + 1
    ask(stage, 5)
    assert not [key for key in stage.predictions.rows if str(key[0]).startswith("traffic#")]


def test_a_verdict_counts_what_many_sandboxes_counted_in_one_step_only():
    stage = Stage()
    step = Step(pipeline="flights", gen=2, version="v2", step=1)
    for place in range(3):
        one = msgspec.structs.replace(step, step=place)
        for _ in range(20):
            tally = Tally(requests=1, errors=1, labelled=1, absolute_error=0.25, latencies={place: 1})
            stage.adapters.traffic.add(one, tally, stage.clock())
    assert stage.adapters.traffic.of(step) == Tally(
        requests=20, errors=20, labelled=20, absolute_error=5.0, latencies={1: 20}
    )


def test_a_canary_whose_later_steps_were_taken_out_meanwhile_goes_live_after_the_one_it_is_in():
    stage = trial()
    ask(stage, 100)
    stage.add_pipeline("flights", **(CANARY | {"steps": ["10%"]}))
    tick(stage, 60)
    assert stage.release().live == "v2"


def test_a_row_from_before_there_were_steps_goes_on():
    stage = trial()
    stage.releases.update(("flights", "current"), Change(remove=("step",)))
    ask(stage, 100)
    tick(stage, 60)
    assert stage.release().step == 1


def shadow(**release: object) -> Stage:
    return trial(
        **({"strategy": "shadow", "rollback_on": ["disagreement > 20%", "error_rate > 1%"]} | release)
    )


def observe_all(stage: Stage) -> None:
    """Run the function that asks the shadow on every copy."""
    for event in stage.copies.events:
        observing.observe(stage.predicting, copy_of(event))
    stage.copies.events.clear()


def test_a_shadow_sees_every_request_answers_nobody_and_goes_live_when_it_agrees():
    stage = shadow()
    assert (stage.release().phase, stage.release().mode, stage.release().weight) == (
        Phase.SHADOW,
        "shadow",
        0,
    )
    assert set(ask(stage, 10)) == {"v1"}
    assert len(stage.copies.events) == 10
    observe_all(stage)
    counted = stage.adapters.traffic.of(Step(pipeline="flights", gen=2, version="v2"))
    assert (counted.requests, counted.compared, counted.disagreed, counted.errors) == (10, 10, 0, 0)
    tick(stage, 60)
    assert stage.release().live == "v2"
    assert outcomes(stage)[2:] == ["STARTED", "SHADOW", "LIVE"]


def test_a_shadow_that_answers_otherwise_too_often_never_goes_live():
    stage = shadow()
    stage.runtime.wrong["v2"] = [Answer(value=True)]
    ask(stage, 10)
    observe_all(stage)
    tick(stage, 1)
    assert (stage.release().live, stage.release().outcome) == ("v1", Outcome.ROLLED_BACK)
    assert "disagreement is 100.0%" in (stage.release().reason or "")


def test_a_shadow_that_fails_is_counted_as_failing_and_nobody_else_notices():
    stage = shadow()
    break_down(stage, "v2")
    assert set(ask(stage, 10)) == {"v1"}
    observe_all(stage)
    tick(stage, 1)
    assert "error_rate is 100.0%" in (stage.release().reason or "")


def test_a_copy_of_a_release_that_is_over_is_dropped():
    stage = shadow()
    ask(stage, 3)
    requests.roll_back(stage.adapters, "flights", stage.request())
    stage.monotonic += KEEP_S + 1
    asked = len(stage.runtime.asked)
    observe_all(stage)
    assert len(stage.runtime.asked) == asked


@pytest.mark.parametrize(
    ("live", "other", "disagreed"),
    [
        ([Answer(value="a", scores={"a": 0.9})], [Answer(value="a", scores={"a": 0.6})], 0),
        ([Answer(value="a")], [Answer(value="b")], 1),
        ([Answer(value=True)], [Answer(value=1)], 0),
        ([Answer(value=100.0)], [Answer(value=100.5)], 0),
        ([Answer(value=100.0)], [Answer(value=102)], 1),
        ([Answer(value=None)], [Answer(value=0.0)], 1),
        ([Answer(value=1)], [], 1),
        ([Answer(points=(Point(time="t", value=1.0),))], [Answer(points=(Point(time="t", value=2.0),))], 1),
        ([Answer(items=(Item(item=1), Item(item=2)))], [Answer(items=(Item(item=2), Item(item=1)))], 1),
        ([Answer(items=(Item(item=1, score=0.5),))], [Answer(items=(Item(item=1, score=0.4),))], 0),
    ],
)
def test_answers_disagree_in_what_a_caller_acts_on(live, other, disagreed):
    assert count_disagreements(live, other) == disagreed


def test_labels_that_come_while_a_canary_is_on_trial_may_roll_it_back():
    stage = trial(rollback_on=["accuracy < live - 0.1"], bake="5m")
    ask(stage, 100)
    for version, correct in (("v1", 90), ("v2", 60)):
        step = step_of(stage.release(), version)
        assert step
        stage.adapters.traffic.add(step, Tally(labelled=100, correct=correct), stage.clock())
    tick(stage, 1)
    assert "accuracy is 60.0% (live: 90.0%)" in (stage.release().reason or "")
    assert step_of(stage.release(), "v1") is None


def metric_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]


def test_every_attempt_has_a_metric_line_with_its_role_and_what_came_of_it(capsys):
    stage = trial(steps=["99%"])
    break_down(stage, "v2")
    metric_lines(capsys)
    ask(stage, 2)
    told = [(line["role"], line["outcome"], line["version"], line["errors"]) for line in metric_lines(capsys)]
    assert told == [("candidate", "model_error", "v2", 1), ("live", "ok", "v1", 0)] * 2


def test_what_a_shadow_answers_otherwise_is_a_metric(capsys):
    stage = shadow()
    stage.runtime.wrong["v2"] = [Answer(value=True)]
    ask(stage, 3)
    metric_lines(capsys)
    observe_all(stage)
    lines = metric_lines(capsys)
    assert [(line["role"], line["disagreements"], line["cold_starts"]) for line in lines] == [
        ("shadow", 1, 1),
        ("shadow", 1, 0),
        ("shadow", 1, 0),
    ]
