"""A candidate's way to live, and everything that may stop it."""

import hashlib

import msgspec
import pytest
from chalicelib.inference import stepping, transitions
from chalicelib.inference.answers import Answer
from chalicelib.inference.golden import GoldenRow, check_answers, parse_golden
from chalicelib.inference.states import Outcome, Refused
from chalicelib.inference.workflow import requests, rollout, tidying

from shared.entities.serving import Phase
from shared.entities.training import ModelState
from shared.errors import ConditionFailed, Conflict, Unavailable
from shared.events import ModelVersionApproved, ReleaseCompleted, ReleaseRolledBack, ReleaseStarted
from shared.tables import Change
from tests.unit.inference.fakes import DOWN, Stage

V1, V2, V3 = (f"headrace-test-flights-v{n}" for n in (1, 2, 3))


def approved(version: str) -> ModelVersionApproved:
    return ModelVersionApproved(pipeline="flights", version=version, job_id=f"job-{version}")


def go_live(stage: Stage, version: str, champion: str | None = None) -> None:
    stage.add_model(version, champion)
    requests.on_model_approved(stage.adapters, approved(version))
    stage.endpoints.finish()
    rollout.on_endpoint_changed(stage.adapters, f"headrace-test-flights-{version}")
    assert stage.release().live == version


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def two(stage: Stage) -> Stage:
    """v1 was live, v2 is."""
    go_live(stage, "v1")
    go_live(stage, "v2", "v1")
    return stage


def test_an_approved_version_becomes_live_once_its_endpoint_answers_the_golden_rows(stage):
    stage.add_model("v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert (stage.release().phase, stage.release().live) == (Phase.WARMING, None)
    stage.endpoints.finish()
    rollout.on_endpoint_changed(stage.adapters, V1)
    release = stage.release()
    assert (release.live, release.candidate, release.phase, release.gen) == ("v1", None, Phase.IDLE, 1)
    assert (release.attention, release.lease_until, release.owner) == (None, None, None)
    assert [type(event) for event in stage.bus.events] == [ReleaseStarted, ReleaseCompleted]
    assert len(stage.runtime.asked) == 1


def test_whoever_follows_an_upload_through_the_log_finds_its_release(stage, caplog):
    caplog.set_level("INFO")
    stage.add_model("v1", correlation_id="the-upload")
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.endpoints.finish()
    rollout.on_endpoint_changed(stage.adapters, V1)
    told = [record for record in caplog.records if record.message == "release told"]
    assert [(record.event, record.correlation_id) for record in told] == [
        ("ReleaseStarted", "the-upload"),
        ("ReleaseCompleted", "the-upload"),
    ]


def test_the_version_before_stays_as_previous_with_its_endpoint(two):
    release = two.release()
    assert (release.live, release.previous, release.previous_until) == ("v2", "v1", "2026-01-01T01:00:00Z")
    assert set(two.endpoints.made) == {V1, V2}
    (_, _, _, completed) = two.bus.events
    assert completed == ReleaseCompleted(pipeline="flights", version="v2", gen=2, previous="v1")


def test_the_same_approval_heard_twice_releases_once(stage):
    go_live(stage, "v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert stage.release().gen == 1


def test_a_late_duplicate_of_an_approval_does_not_undo_a_rollback(two):
    requests.roll_back(two.adapters, "flights", two.request())
    requests.on_model_approved(two.adapters, approved("v2"))
    tidying.reconcile(two.adapters)
    assert (two.release().live, two.release().candidate) == ("v1", None)


def test_a_second_promotion_is_refused_and_names_the_holder(stage):
    stage.add_model("v1")
    stage.add_model("v2")
    requests.promote(stage.adapters, "flights", "v1", stage.request())
    with pytest.raises(Conflict, match=r"v1 is being released \(WARMING, generation 1, by ada\)"):
        requests.promote(stage.adapters, "flights", "v2", stage.request())


def test_a_version_compared_with_another_champion_is_refused_unless_a_person_forces_it(two):
    two.add_model("v3", "v1")
    with pytest.raises(Conflict, match="v3 was compared with v1, but v2 is live now"):
        requests.promote(two.adapters, "flights", "v3", two.request())
    forced = requests.promote(two.adapters, "flights", "v3", two.request("hotfix"), force=True)
    assert (forced.candidate, forced.why) == ("v3", "hotfix")


@pytest.mark.parametrize("state", [state for state in ModelState if state is not ModelState.APPROVED])
def test_only_an_approved_version_is_released_by_anyone(stage, state):
    stage.add_model("v1", state=state)
    with pytest.raises(Conflict, match="only an APPROVED version"):
        requests.promote(stage.adapters, "flights", "v1", stage.request(), force=True)
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert stage.releases.rows == {}


def test_a_version_rejected_between_read_and_write_is_not_accepted(stage):
    model = stage.add_model("v1")
    transition = transitions.accept(None, model, stage.request())
    stage.models.update(("flights", "v1"), Change(set={"state": "REJECTED"}))
    with pytest.raises(ConditionFailed):
        stage.adapters.releases.apply("flights", transition)
    assert stage.releases.rows == {}


def test_a_champion_replaced_between_read_and_write_makes_the_promotion_void(two):
    model = two.add_model("v3", "v2")
    transition = transitions.accept(two.release(), model, two.request())
    two.releases.update(("flights", "current"), Change(set={"live": "v1"}))
    with pytest.raises(ConditionFailed):
        two.adapters.releases.apply("flights", transition)


def test_golden_rows_answered_otherwise_refuse_the_release_and_the_live_version_stays(stage):
    go_live(stage, "v1")
    stage.add_model("v2", "v1")
    requests.on_model_approved(stage.adapters, approved("v2"))
    stage.endpoints.finish()
    stage.runtime.wrong["v2"] = stage.runtime.invoke(V1, b'[{"distance":3,"carrier":"AA"}]', 1) * 5
    rollout.advance(stage.adapters, "flights")
    release = stage.release()
    assert (release.live, release.candidate, release.outcome) == ("v1", None, Outcome.FAILED)
    assert "golden row" in release.reason
    assert isinstance(stage.bus.events[-1], ReleaseRolledBack)
    stage.clock.advance(60)
    tidying.reconcile(stage.adapters)
    assert stage.endpoints.deleted == [V2]


def test_an_endpoint_that_does_not_start_fails_the_release_with_its_reason(stage):
    stage.add_model("v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.endpoints.finish(status="Failed", reason="no such image")
    rollout.advance(stage.adapters, "flights")
    assert (stage.release().live, stage.release().outcome) == (None, Outcome.FAILED)
    assert "no such image" in stage.release().reason


def flip(stage: Stage, name: str) -> None:
    key = f"models/flights/v1/{name}"
    body = bytearray(stage.bucket.read(key))
    body[len(body) // 2] ^= 1
    stage.bucket.write(key, bytes(body))


@pytest.mark.parametrize("name", ["model.tar.gz", "manifest.json", "golden.jsonl"])
def test_one_flipped_bit_in_a_file_refuses_the_release(stage, name):
    stage.add_model("v1")
    flip(stage, name)
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.endpoints.finish()
    tidying.reconcile(stage.adapters)
    assert (stage.release().live, stage.release().outcome) == (None, Outcome.FAILED)
    assert name.split(".")[0] in stage.release().reason or "artifact" in stage.release().reason


def test_one_flipped_bit_in_the_signature_refuses_the_release(stage):
    model = stage.add_model("v1")
    signature = model.manifest_signature
    other = "A" if signature[20] != "A" else "B"
    stage.models.update(
        ("flights", "v1"), Change(set={"manifest_signature": signature[:20] + other + signature[21:]})
    )
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert stage.release().outcome == Outcome.FAILED
    assert "signature" in stage.release().reason
    assert stage.endpoints.created == []


def test_a_manifest_replaced_together_with_the_rows_hash_fails_its_signature(stage):
    stage.add_model("v1")
    flip(stage, "manifest.json")
    digest = hashlib.sha256(stage.bucket.read("models/flights/v1/manifest.json")).hexdigest()
    stage.models.update(("flights", "v1"), Change(set={"manifest_sha256": digest}))
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert "signature" in stage.release().reason


def test_a_genuine_manifest_of_another_version_vouches_for_nothing(stage):
    model = stage.add_model("v1")
    stage.models.update(("flights", "v1"), Change(remove=("attention",)))
    stage.models.put({**stage.models.get("flights", "v1"), "version": "v2", "number": 2})
    requests.on_model_approved(stage.adapters, approved("v2"))
    assert model.version == "v1"
    assert "manifest.json is of flights v1" in stage.release().reason


def test_a_step_that_began_before_a_rollback_changes_nothing(two):
    two.add_model("v3", "v2")
    requests.on_model_approved(two.adapters, approved("v3"))
    two.endpoints.finish()
    invoke = two.runtime.invoke

    def rolled_back_meanwhile(endpoint, records, count):
        two.runtime.invoke = invoke
        requests.roll_back(two.adapters, "flights", two.request())
        return invoke(endpoint, records, count)

    two.runtime.invoke = rolled_back_meanwhile
    rollout.advance(two.adapters, "flights")
    release = two.release()
    assert (release.live, release.previous, release.candidate) == ("v2", "v1", None)
    assert (release.outcome, release.gen) == (Outcome.ROLLED_BACK, 4)
    assert release.lease_until is None


def test_two_workers_never_work_on_one_release(stage):
    stage.add_model("v1")
    describe = stage.endpoints.describe
    inner = []

    def second_worker(name):
        stage.endpoints.describe = describe
        rollout.advance(stage.adapters, "flights")
        inner.append(len(stage.endpoints.created))
        return describe(name)

    stage.endpoints.describe = second_worker
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert inner == [0]
    assert len(stage.endpoints.created) == 1


def test_a_crashed_workers_lease_is_honoured_and_then_taken_over(stage):
    model = stage.add_model("v1")
    stage.adapters.releases.apply("flights", transitions.accept(None, model, stage.request()))
    stage.adapters.releases.apply("flights", stepping.take_lease(stage.release(), "crashed", stage.clock()))
    stage.clock.advance(149)
    tidying.reconcile(stage.adapters)
    assert stage.release().phase is Phase.CREATING
    stage.clock.advance(1)
    tidying.reconcile(stage.adapters)
    assert stage.release().phase is Phase.WARMING


def test_a_failing_cloud_leaves_the_release_open_for_the_reconciler(stage):
    stage.add_model("v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.endpoints.finish()
    stage.runtime.error = DOWN
    with pytest.raises(Unavailable):
        rollout.on_endpoint_changed(stage.adapters, V1)
    assert (stage.release().phase, stage.release().attention) == (Phase.WARMING, "open")
    stage.runtime.error = None
    tidying.reconcile(stage.adapters)
    assert stage.release().live == "v1"


def test_an_endpoint_of_other_content_under_the_same_name_refuses_the_release(stage):
    stage.add_model("v1")
    go_live(stage, "v1")
    stage.endpoints.made[V2] = msgspec.structs.replace(stage.endpoints.made[V1], content="other")
    stage.add_model("v2", "v1")
    requests.on_model_approved(stage.adapters, approved("v2"))
    assert "exists with other content" in stage.release().reason
    assert stage.release().live == "v1"


def test_a_candidate_that_never_gets_ready_is_given_up(stage):
    stage.add_model("v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.clock.advance(46 * 60)
    tidying.reconcile(stage.adapters)
    assert (stage.release().candidate, stage.release().outcome) == (None, Outcome.FAILED)
    assert "not ready 45 minutes" in stage.release().reason


def test_realtime_is_isolated_from_the_network_and_serverless_cannot_be():
    for kind, isolated in (("realtime", True), ("serverless", False)):
        stage = Stage(endpoint=kind)
        stage.add_model("v1")
        requests.on_model_approved(stage.adapters, approved("v1"))
        (plan,) = stage.endpoints.created
        assert plan.model["EnableNetworkIsolation"] is isolated


@pytest.mark.parametrize("inputs", [{}, {"inputs": [{"name": "x", "type": "matrix"}]}, {"inputs": 7}])
def test_a_model_whose_requests_could_not_be_checked_is_refused(stage, inputs):
    stage.add_model("v1", inputs=inputs)
    requests.on_model_approved(stage.adapters, approved("v1"))
    assert stage.release().outcome == Outcome.FAILED
    assert "signature.json cannot be used" in stage.release().reason


def test_golden_rows_that_are_missing_refuse_the_release(stage):
    assert parse_golden(b'{"record":{"a":1},"prediction":{"value":1}}\n')
    for content in (b"", b"\n", b"{}", b"not json"):
        with pytest.raises(Refused):
            parse_golden(content)


@pytest.mark.parametrize(
    ("trained", "answered", "same"),
    [
        (Answer(value=0.1), Answer(value=0.1 + 1e-12), True),
        (Answer(value=0.1), Answer(value=0.1 + 1e-8), False),
        (Answer(value=2.0), Answer(value=2), True),
        (Answer(value=True), Answer(value=1), False),
        (Answer(value="a"), Answer(value="b"), False),
        (Answer(value="a", scores={"a": 0.7}), Answer(value="a", scores={"a": 0.6}), False),
        (Answer(value="a", scores={"a": 0.7}), Answer(value="a", scores={"b": 0.7}), False),
        (Answer(value="a", scores={"a": 0.7}), Answer(value="a"), False),
        (Answer(value=1.0), Answer(value=float("nan")), False),
    ],
)
def test_an_answer_is_the_same_to_nine_digits_and_in_every_score(trained, answered, same):
    rows = [GoldenRow(record=msgspec.Raw(b"{}"), prediction=trained)]
    if same:
        check_answers(rows, [answered])
    else:
        with pytest.raises(Refused, match="golden row 0"):
            check_answers(rows, [answered])


@pytest.mark.parametrize("failure", [DOWN, ValueError("nobody foresaw this")])
def test_one_pipeline_that_fails_does_not_keep_a_tick_from_the_others(stage, failure):
    stage.add_model("v1")
    requests.on_model_approved(stage.adapters, approved("v1"))
    stage.endpoints.finish()
    describe = stage.endpoints.describe

    def failing(name):
        raise failure

    stage.endpoints.describe = failing
    stage.add_pipeline("trips")
    stage.endpoints.leftovers.add("headrace-test-trips-v1")
    tidying.reconcile(stage.adapters)
    assert stage.endpoints.leftovers == set()
    stage.endpoints.describe = describe
    tidying.reconcile(stage.adapters)
    assert stage.release().live == "v1"


def test_the_history_keeps_the_order_of_its_changes_though_the_clocks_of_machines_differ(stage):
    go_live(stage, "v1")
    stage.clock.advance(-20)  # the next worker's clock is slow
    go_live(stage, "v2", "v1")
    history = stage.adapters.releases.history("flights", until=None, limit=10)
    assert [entry.to_version for entry in reversed(history)] == [None, "v1", "v1", "v2"]
    assert [entry.at for entry in history] == sorted((entry.at for entry in history), reverse=True)
