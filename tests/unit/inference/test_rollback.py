"""Going back, stopping, what the history tells, and what may be deleted."""

import msgspec
import pytest
from chalicelib.inference import stepping
from chalicelib.inference.states import Outcome
from chalicelib.inference.workflow import reading, requests, rollout, tidying

from shared.entities.serving import Phase
from shared.errors import Conflict, NotFound
from shared.events import ModelVersionApproved, ReleaseRolledBack
from shared.tables import Change
from tests.alarm_metrics import reaches
from tests.unit.inference.fakes import Stage

V1, V2, V3 = (f"headrace-test-flights-v{n}" for n in (1, 2, 3))


def go_live(stage: Stage, version: str, champion: str | None = None) -> None:
    stage.add_model(version, champion)
    requests.on_model_approved(
        stage.adapters, ModelVersionApproved(pipeline="flights", version=version, job_id="j")
    )
    stage.endpoints.finish()
    rollout.advance(stage.adapters, "flights")
    assert stage.release().live == version


def two_versions(**options: str) -> Stage:
    stage = Stage(**options)
    go_live(stage, "v1")
    go_live(stage, "v2", "v1")
    return stage


@pytest.fixture
def two() -> Stage:
    return two_versions()


def test_a_rollback_makes_the_previous_version_live_in_one_write(two, capsys):
    release = requests.roll_back(two.adapters, "flights", two.request("errors"))
    assert (release.live, release.previous, release.gen) == ("v1", "v2", 3)
    assert (release.outcome, release.attention) == (Outcome.ROLLED_BACK, None)
    assert two.bus.events[-1] == ReleaseRolledBack(pipeline="flights", version="v1", gen=3, reason="errors")
    assert len(two.endpoints.created) == 2
    assert reaches("RollbackHappened", capsys.readouterr().out, stage=two.adapters.stage)


@pytest.mark.parametrize("is_busy", [False, True])
def test_the_first_write_of_a_rollback_is_its_effect_and_no_model_is_asked_before_its_answer(
    two, monkeypatch, is_busy
):
    if is_busy:
        two.add_model("v3", "v2")
        requests.promote(two.adapters, "flights", "v3", two.request())
        two.endpoints.finish()
    served, transact = [], two.releases.transact

    def noted(*writes):
        transact(*writes)
        served.append((two.release().live, two.release().candidate))

    monkeypatch.setattr(two.releases, "transact", noted)
    # Neither an artifact is read nor an endpoint made or asked: none of that is bounded by a second.
    monkeypatch.setattr(two.bucket, "read", None)
    made, asked = len(two.endpoints.created), len(two.runtime.asked)
    requests.roll_back(two.adapters, "flights", two.request())
    assert set(served) == {("v2" if is_busy else "v1", None)}
    assert (len(two.endpoints.created), len(two.runtime.asked)) == (made, asked)


def test_a_rollback_during_a_rollout_keeps_what_is_live(two):
    two.add_model("v3", "v2")
    requests.promote(two.adapters, "flights", "v3", two.request())
    release = requests.roll_back(two.adapters, "flights", two.request())
    assert (release.live, release.previous, release.candidate) == ("v2", "v1", None)


def test_a_rollback_does_not_wait_for_the_lease_of_a_step_in_flight(two):
    two.add_model("v3", "v2")
    requests.promote(two.adapters, "flights", "v3", two.request())
    two.adapters.releases.apply("flights", stepping.take_lease(two.release(), "busy", two.clock()))
    release = requests.roll_back(two.adapters, "flights", two.request())
    assert (release.candidate, release.gen) == (None, 4)


def test_a_rollback_to_a_reaped_endpoint_makes_it_again_while_the_current_one_serves():
    two = two_versions(endpoint="realtime")
    two.clock.advance(3601)
    tidying.reconcile(two.adapters)
    assert set(two.endpoints.made) == {V2}
    release = requests.roll_back(two.adapters, "flights", two.request())
    assert (release.live, release.candidate, release.phase) == ("v2", "v1", Phase.WARMING)
    two.endpoints.finish()
    rollout.advance(two.adapters, "flights")
    release = two.release()
    assert (release.live, release.previous, release.outcome) == ("v1", "v2", Outcome.ROLLED_BACK)
    assert isinstance(two.bus.events[-1], ReleaseRolledBack)


def test_asking_twice_for_a_rollback_that_needs_time_changes_nothing():
    two = two_versions(endpoint="realtime")
    two.clock.advance(3601)
    tidying.reconcile(two.adapters)
    first = requests.roll_back(two.adapters, "flights", two.request())
    assert requests.roll_back(two.adapters, "flights", two.request()) == first


def test_a_rollback_while_the_previous_endpoint_is_being_reaped_never_relies_on_it(monkeypatch):
    two = two_versions(endpoint="realtime")
    two.clock.advance(3601)
    delete = two.endpoints.delete

    def rolled_back_meanwhile(name):
        monkeypatch.setattr(two.endpoints, "delete", delete)
        release = requests.roll_back(two.adapters, "flights", two.request())
        assert (release.live, release.candidate) == ("v2", "v1")
        delete(name)

    monkeypatch.setattr(two.endpoints, "delete", rolled_back_meanwhile)
    tidying.reap(two.adapters, "flights")
    tidying.reconcile(two.adapters)
    two.endpoints.finish()
    tidying.reconcile(two.adapters)
    assert two.release().live == "v1"
    assert V1 in two.endpoints.made


def test_a_rollback_that_saw_the_previous_endpoint_before_it_was_reaped_makes_it_again(monkeypatch):
    two = two_versions(endpoint="realtime")
    two.clock.advance(2 * 3600)
    describe = two.endpoints.describe

    def look_and_be_late(name):
        monkeypatch.undo()
        state = describe(name)
        tidying.reap(two.adapters, "flights")
        return state

    monkeypatch.setattr(two.endpoints, "describe", look_and_be_late)
    release = requests.roll_back(two.adapters, "flights", two.request())
    assert two.endpoints.deleted == [V1]
    assert (release.live, release.candidate, release.phase) == ("v2", "v1", Phase.WARMING)


def test_a_step_whose_release_ended_before_it_had_the_lease_does_nothing(two, monkeypatch):
    two.add_model("v3", "v2")
    requests.promote(two.adapters, "flights", "v3", two.request())
    two.endpoints.finish()
    owner = two.adapters.owner

    def be_overtaken():
        monkeypatch.undo()
        rollout.advance(two.adapters, "flights")
        assert two.release().live == "v3"
        return owner()

    before = len(two.releases.rows)
    late = msgspec.structs.replace(two.adapters, owner=be_overtaken, log=two.adapters.log)
    rollout.advance(late, "flights")
    assert (two.release().live, two.release().outcome, two.release().lease_until) == (
        "v3",
        Outcome.LIVE,
        None,
    )
    assert len(two.releases.rows) == before + 1


def test_there_must_be_something_to_roll_back_to():
    stage = Stage()
    with pytest.raises(NotFound, match="never released"):
        requests.roll_back(stage.adapters, "flights", stage.request())
    with pytest.raises(NotFound, match="no pipeline 'trains'"):
        requests.roll_back(stage.adapters, "trains", stage.request())
    go_live(stage, "v1")
    with pytest.raises(Conflict, match="no previous version"):
        requests.roll_back(stage.adapters, "flights", stage.request())


def test_stop_gives_up_the_candidate_and_nothing_else(two):
    two.add_model("v3", "v2")
    requests.promote(two.adapters, "flights", "v3", two.request())
    release = requests.stop(two.adapters, "flights", two.request("wrong data"))
    assert (release.live, release.previous, release.candidate) == ("v2", "v1", None)
    assert (release.phase, release.reason) == (Phase.IDLE, "wrong data")
    with pytest.raises(Conflict, match="nothing of pipeline 'flights' is being released"):
        requests.stop(two.adapters, "flights", two.request())


@pytest.mark.parametrize("kind", ["serverless", "realtime"])
def test_live_candidate_and_previous_within_grace_are_never_deleted(kind):
    two = two_versions(endpoint=kind)
    two.add_model("v3", "v2")
    requests.promote(two.adapters, "flights", "v3", two.request())
    two.endpoints.finish()
    two.clock.advance(3600)
    tidying.reap(two.adapters, "flights")
    assert set(two.endpoints.made) == {V1, V2, V3}


def test_an_idle_serverless_endpoint_of_the_previous_version_is_never_deleted(two):
    two.clock.advance(30 * 24 * 3600)
    tidying.reconcile(two.adapters)
    assert set(two.endpoints.made) == {V1, V2}


def test_what_is_neither_live_nor_previous_is_deleted(two):
    go_live(two, "v3", "v2")
    two.clock.advance(60)
    tidying.reconcile(two.adapters)
    assert set(two.endpoints.made) == {V2, V3}


def test_nothing_is_deleted_while_a_request_may_be_on_its_way_there(two):
    go_live(two, "v3", "v2")
    two.clock.advance(30)
    tidying.reconcile(two.adapters)
    assert V1 in two.endpoints.made


def test_reaping_keeps_off_pipelines_whose_names_begin_alike(two):
    two.add_pipeline("flights-eu")
    two.endpoints.made["headrace-test-flights-eu-v1"] = two.endpoints.made[V1]
    two.clock.advance(60)
    tidying.reap(two.adapters, "flights")
    assert "headrace-test-flights-eu-v1" in two.endpoints.made


def test_a_minute_lists_what_sagemaker_has_once_however_many_pipelines_serve(two, monkeypatch):
    for name in ("flights-eu", "trips"):
        two.add_pipeline(name)
        two.endpoints.leftovers.add(f"headrace-test-{name}-v1")
    two.clock.advance(60)
    listed, names = [], two.endpoints.names

    def counted(prefix):
        listed.append(prefix)
        return names(prefix)

    monkeypatch.setattr(two.endpoints, "names", counted)
    tidying.reconcile(two.adapters)
    assert len(listed) == 1
    assert two.endpoints.leftovers == set()


def test_models_and_configurations_without_an_endpoint_are_deleted_too(two):
    two.endpoints.leftovers.add(V3)
    two.clock.advance(60)
    tidying.reconcile(two.adapters)
    assert two.endpoints.leftovers == set()


def test_nothing_is_reaped_while_a_worker_has_the_lease(two):
    go_live(two, "v3", "v2")
    two.adapters.releases.apply("flights", stepping.take_lease(two.release(), "busy", two.clock()))
    two.clock.advance(60)
    tidying.reap(two.adapters, "flights")
    assert V1 in two.endpoints.made


def test_a_lost_approval_is_heard_by_the_reconciler():
    stage = Stage()
    stage.add_model("v1")
    tidying.reconcile(stage.adapters)
    assert stage.release().candidate == "v1"


def test_an_approval_refused_while_another_rolls_out_comes_through_later():
    stage = Stage()
    stage.add_model("v1")
    stage.add_model("v2")
    requests.promote(stage.adapters, "flights", "v1", stage.request())
    requests.on_model_approved(
        stage.adapters, ModelVersionApproved(pipeline="flights", version="v2", job_id="j")
    )
    assert stage.release().candidate == "v1"
    requests.stop(stage.adapters, "flights", stage.request())
    tidying.reconcile(stage.adapters)
    assert stage.release().candidate == "v2"


def test_a_version_compared_with_another_champion_is_not_released_by_the_reconciler(two):
    two.add_model("v3", "v1")
    tidying.reconcile(two.adapters)
    assert (two.release().candidate, two.release().gen) == (None, 2)


def test_an_end_that_nobody_was_told_of_is_told_by_the_reconciler(two):
    two.releases.update(("flights", "current"), Change(set={"attention": "open"}))
    told = len(two.bus.events)
    tidying.reconcile(two.adapters)
    assert len(two.bus.events) == told + 1
    assert two.bus.events[-1].identity() == two.bus.events[-2].identity()
    assert two.release().attention is None


def test_history_tells_what_was_live_at_a_time():
    stage = Stage()
    go_live(stage, "v1")
    stage.clock.advance(600)
    go_live(stage, "v2", "v1")
    stage.clock.advance(600)
    requests.roll_back(stage.adapters, "flights", stage.request("errors"))
    at = {
        moment: reading.get_history(stage.adapters, "flights", f"2026-01-01T{moment}Z", 10).live
        for moment in ("00:00:00", "00:09:59", "00:10:00", "00:19:59", "00:20:00")
    }
    assert list(at.values()) == ["v1", "v1", "v2", "v2", "v1"]
    newest = reading.get_history(stage.adapters, "flights", None, 1).entries
    assert [(item.who, item.why, item.from_version, item.to_version) for item in newest] == [
        ("ada", "errors", "v2", "v1")
    ]
    before = reading.get_history(stage.adapters, "flights", "2025-12-31T23:59:59Z", 10)
    assert (before.live, before.entries) == (None, [])
