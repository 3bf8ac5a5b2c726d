"""Where the row and SageMaker disagree about what is live, and endpoints that nobody asks for."""

import msgspec
import pytest
from chalicelib.inference.formats import read_request
from chalicelib.inference.router import KEEP_S
from chalicelib.inference.states import Outcome, Waking
from chalicelib.inference.workflow import mending, predicting, reading, requests, rollout, tidying
from chalicelib.inference.workflow.context import Asked

from shared.errors import Unavailable
from tests.unit.inference.fakes import DOWN, Stage

V1, V2 = "headrace-test-flights-v1", "headrace-test-flights-v2"
HOUR = 3600


def two_live(**release: object) -> Stage:
    """v1 was live, v2 is."""
    stage = Stage(**release)
    for version, champion in (("v1", None), ("v2", "v1")):
        stage.add_model(version, champion)
        requests.promote(stage.adapters, "flights", version, stage.request())
        stage.endpoints.finish()
        tick(stage)
    assert stage.release().live == "v2"
    return stage


def tick(stage: Stage, seconds: float = 60) -> None:
    stage.clock.advance(seconds)
    stage.monotonic += seconds
    tidying.reconcile(stage.adapters)


def ask(stage: Stage) -> str:
    records = read_request(b'{"records": [{"distance": 7, "carrier": "AA"}]}', "application/json", None)
    asked = Asked(request_id="r", pipeline="flights", records=records)
    return predicting.predict(stage.predicting, asked).predictions.model_version


def outcomes(stage: Stage) -> list[str]:
    return [entry.outcome for entry in reading.get_history(stage.adapters, "flights", None, 50).entries][::-1]


def fail(stage: Stage, name: str) -> None:
    stage.endpoints.made[name] = msgspec.structs.replace(stage.endpoints.made[name], status="Failed")


def test_a_live_endpoint_deleted_by_hand_is_made_again_and_written_down():
    stage = two_live()
    del stage.endpoints.made[V2]
    with pytest.raises(Unavailable):
        ask(stage)
    tick(stage)
    assert stage.endpoints.made[V2].status == "Creating"
    stage.endpoints.finish()
    assert ask(stage) == "v2"
    tick(stage)
    newest = reading.get_history(stage.adapters, "flights", None, 1).entries[0]
    assert (newest.outcome, newest.to_version) == ("RECREATED", "v2")
    assert newest.why == "the endpoint of v2: it was gone"
    assert outcomes(stage).count("RECREATED") == 1


def test_a_live_endpoint_that_failed_gives_way_to_the_version_before():
    stage = two_live()
    fail(stage, V2)
    tick(stage)
    assert (stage.release().live, stage.release().outcome) == ("v1", Outcome.ROLLED_BACK)
    assert stage.release().reason == "the endpoint of v2 Failed"


def test_a_live_endpoint_that_failed_with_none_to_go_back_to_is_made_again():
    stage = two_live()
    fail(stage, V2)
    del stage.endpoints.made[V1]
    tick(stage)
    assert stage.release().live == "v2"
    assert stage.endpoints.made[V2].status == "Creating"
    assert V2 in stage.endpoints.deleted


def test_a_live_endpoint_is_mended_also_while_something_rolls_out():
    stage = two_live()
    stage.add_model("v3", "v2")
    requests.promote(stage.adapters, "flights", "v3", stage.request())
    fail(stage, V2)
    tick(stage)
    assert stage.endpoints.made[V2].status == "Creating"
    assert (stage.release().live, stage.release().candidate) == ("v2", "v3")


def test_what_is_made_again_is_what_was_signed():
    stage = two_live()
    del stage.endpoints.made[V2]
    stage.bucket.write("models/flights/v2/model.tar.gz", b"something else")
    tick(stage)
    assert V2 not in stage.endpoints.made


def test_two_workers_do_not_make_one_endpoint_twice(monkeypatch):
    stage = two_live()
    del stage.endpoints.made[V2]
    made = []

    def another_first(name):
        monkeypatch.undo()
        mending.mend(stage.adapters, "flights")
        made.append(len(stage.endpoints.created))

    monkeypatch.setattr(stage.endpoints, "describe", another_first)
    mending.mend(stage.adapters, "flights")
    assert made == [len(stage.endpoints.created)]


def test_an_endpoint_of_ours_without_a_release_is_deleted():
    stage = two_live()
    stage.endpoints.made["headrace-test-gone-v1"] = stage.endpoints.made[V1]
    tick(stage)
    assert "headrace-test-gone-v1" not in stage.endpoints.made


def sleepy(stage_name: str = "test", **hosting: object) -> Stage:
    stage = two_live(endpoint={"kind": "realtime", "idle_delete": "4h", **hosting}, grace="1h")
    stage.adapters = msgspec.structs.replace(stage.adapters, stage=stage_name)
    return stage


def test_a_realtime_endpoint_that_nobody_asked_for_long_is_deleted_and_comes_back_when_somebody_does():
    stage = sleepy()
    tick(stage, 4 * HOUR)
    assert stage.release().asleep_at is None
    tick(stage, 120)
    assert stage.release().asleep_at is not None
    tick(stage)
    assert stage.endpoints.made == {}
    with pytest.raises(Waking):
        ask(stage)
    assert (stage.release().asleep_at, stage.endpoints.made[V2].status) == (None, "Creating")
    with pytest.raises(Unavailable):
        ask(stage)
    stage.endpoints.finish()
    assert ask(stage) == "v2"
    assert outcomes(stage)[-3:] == ["ASLEEP", "AWAKE", "RECREATED"]
    tick(stage)
    assert V2 in stage.endpoints.made


def test_who_is_asked_now_and_then_stays_awake():
    stage = sleepy()
    for _ in range(10):
        tick(stage, 3 * HOUR)
        ask(stage)
    assert stage.release().asleep_at is None
    assert ask(stage) == "v2"


@pytest.mark.parametrize(
    ("stage_name", "hosting"),
    [("prod", {}), ("test", {"idle_delete": "never"}), ("test", {"kind": "serverless"})],
)
def test_prod_never_and_serverless_do_not_sleep(stage_name, hosting):
    endpoint = {"kind": "realtime"} | hosting
    stage = two_live(endpoint=endpoint)
    stage.adapters = msgspec.structs.replace(stage.adapters, stage=stage_name)
    stage.clock.advance(100 * HOUR)
    mending.send_to_sleep(stage.adapters, "flights")
    assert stage.release().asleep_at is None


def test_a_release_wakes_what_it_is_to_be_compared_with():
    stage = sleepy()
    tick(stage, 5 * HOUR)
    tick(stage)
    assert V2 not in stage.endpoints.made
    stage.add_model("v3", "v2")
    requests.promote(stage.adapters, "flights", "v3", stage.request())
    assert stage.release().asleep_at is None
    tick(stage)
    assert V2 in stage.endpoints.made


def test_a_rollback_while_live_sleeps_brings_the_version_before_back():
    stage = sleepy()
    tick(stage, 5 * HOUR)
    tick(stage)
    release = requests.roll_back(stage.adapters, "flights", stage.request())
    assert (release.candidate, release.phase) == ("v1", "WARMING")
    stage.endpoints.finish()
    rollout.advance(stage.adapters, "flights")
    assert (stage.release().live, stage.release().asleep_at) == ("v1", None)


def test_a_request_that_cannot_wake_its_pipeline_leaves_it_to_the_reconciler(monkeypatch):
    stage = sleepy()
    tick(stage, 5 * HOUR)
    tick(stage)

    def down(_):
        raise DOWN

    with monkeypatch.context() as patched:
        patched.setattr(stage.endpoints, "create", down)
        with pytest.raises(Waking):
            ask(stage)
    stage.monotonic += KEEP_S + 1
    stage.clock.advance(150)
    tick(stage)
    assert stage.endpoints.made[V2].status == "Creating"


def test_use_is_written_down_once_a_minute():
    stage = two_live()
    for _ in range(50):
        ask(stage)
    stage.monotonic += 61
    ask(stage)
    assert stage.releases.rows["flights", "used"]["rev"] == 2
