"""A deleted pipeline serves no more: by the event, by the minute where that was lost, and never by a read that fails."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from chalicelib.inference.batch_rows import BatchState
from chalicelib.inference.states import Outcome
from chalicelib.inference.workflow import batches, deleting, mending, requests, rollout, tidying
from chalicelib.ingest.pipelines import PipelineStore

from shared.entities.serving import Phase
from shared.errors import Conflict, NotFound, Unavailable
from shared.events import ModelVersionApproved, ReleaseRolledBack
from shared.tables import Change
from tests.unit.inference.breaking import Breaking
from tests.unit.inference.fakes import Stage
from tests.unit.inference.rest import Rest, records, release
from tests.unit.inference.test_batches import begin, work
from tests.unit.inference.test_rollback import V1, V2, V3, go_live, two_versions


def delete(stage: Stage) -> None:
    """Delete the definition as the ingest service does."""
    PipelineStore(stage.pipelines).delete("flights", "ada", stage.clock())


def hear(stage: Stage) -> None:
    deleting.take_down(stage.adapters, "flights")


def tick(stage: Stage) -> None:
    stage.clock.advance(60)
    batches.stop_deleted(stage.batching)
    tidying.reconcile(stage.adapters)


def approve(stage: Stage, version: str) -> None:
    event = ModelVersionApproved(pipeline="flights", version=version, job_id="j")
    requests.on_model_approved(stage.adapters, event)


def serves(stage: Stage) -> tuple[str | None, str | None, str | None]:
    row = stage.release()
    return row.live, row.previous, row.candidate


def two_ticks(stage: Stage) -> None:
    tick(stage)
    tick(stage)


NOTHING = (None, None, None)


def test_what_is_live_and_what_was_goes_and_the_history_says_who_and_why() -> None:
    stage = two_versions()
    delete(stage)
    hear(stage)
    row = stage.release()
    assert serves(stage) == NOTHING
    assert (row.phase, row.outcome, row.gen) == (Phase.IDLE, Outcome.DELETED, 3)
    entry = stage.adapters.releases.history("flights", until=None, limit=1)[0]
    assert (entry.who, entry.why) == ("ada", "the pipeline was deleted")
    assert (entry.from_version, entry.to_version, entry.outcome) == ("v2", None, Outcome.DELETED)
    assert stage.endpoints.deleted == [], "a request may be on its way"
    tick(stage)
    assert sorted(stage.endpoints.deleted) == [V1, V2]
    assert not stage.bus.named(ReleaseRolledBack)


def test_an_event_that_was_lost_is_made_good_within_two_minutes() -> None:
    stage = two_versions()
    delete(stage)
    tick(stage)
    assert serves(stage) == NOTHING
    tick(stage)
    assert not stage.endpoints.made


def test_an_event_that_comes_twice_changes_nothing_more() -> None:
    stage = two_versions()
    delete(stage)
    hear(stage)
    once = stage.release()
    hear(stage)
    tick(stage)
    assert (stage.release().gen, stage.release().live) == (once.gen, None)
    assert len(stage.adapters.releases.history("flights", until=None, limit=9)) == 5


@pytest.mark.parametrize("strategy", ["direct", "canary", "shadow"])
def test_a_release_under_way_ends_with_its_pipeline(strategy: str) -> None:
    stage = two_versions()
    stage.add_pipeline("flights", strategy=strategy)
    stage.add_model("v3", "v2")
    requests.promote(stage.adapters, "flights", "v3", stage.request())
    if strategy != "direct":
        stage.endpoints.finish()
        rollout.advance(stage.adapters, "flights")
    delete(stage)
    hear(stage)
    assert serves(stage) == NOTHING
    stage.endpoints.finish()
    rollout.on_endpoint_changed(stage.adapters, V3)
    assert serves(stage) == NOTHING
    tick(stage)
    assert not stage.endpoints.made


def test_an_endpoint_that_is_still_being_made_is_deleted_once_it_is_there() -> None:
    stage = Stage()
    stage.add_model("v1")
    approve(stage, "v1")
    delete(stage)
    hear(stage)
    tick(stage)
    assert stage.endpoints.made, "SageMaker deletes nothing that is being created"
    stage.endpoints.finish()
    tick(stage)
    assert not stage.endpoints.made


def test_a_worker_at_work_is_fenced_and_what_it_makes_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.add_model("v1")
    create = stage.endpoints.create

    def deleted_meanwhile(plan: Any) -> None:
        delete(stage)
        hear(stage)
        create(plan)

    monkeypatch.setattr(stage.endpoints, "create", deleted_meanwhile)
    approve(stage, "v1")
    assert serves(stage) == NOTHING
    stage.endpoints.finish()
    rollout.on_endpoint_changed(stage.adapters, V1)
    assert serves(stage) == NOTHING
    tick(stage)
    assert not stage.endpoints.made


def test_neither_a_read_that_fails_nor_a_definition_that_is_not_found_takes_anything_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = two_versions()
    stage.pipelines.delete(("pipeline", "flights"))
    for _ in range(3):
        tick(stage)
    hear(stage)
    assert serves(stage) == ("v2", "v1", None)
    stage.add_pipeline("flights")
    delete(stage)

    def broken(*_: object, **__: object) -> Any:
        raise Unavailable("no answer")

    for method, work_on in (("query", tick), ("get", hear)):
        with monkeypatch.context() as failing:
            failing.setattr(stage.pipelines, method, broken)
            with pytest.raises(Unavailable):
                work_on(stage)
    assert serves(stage) == ("v2", "v1", None)
    assert stage.endpoints.deleted == []


def test_wherever_the_minute_is_killed_the_next_ones_take_everything_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = 0
    is_through = False
    while not is_through:
        stage = two_versions()
        delete(stage)
        with monkeypatch.context() as patched:
            breaking = Breaking(
                patched,
                [
                    (stage.releases, "transact"),
                    (stage.releases, "update"),
                    (stage.endpoints, "delete"),
                    (stage.endpoints, "names"),
                ],
                KeyboardInterrupt(),
            )
            breaking.at = at
            is_through = breaking.runs_through(partial(two_ticks, stage))
        at += 1
        # A lease that nobody gave back runs out first.
        for _ in range(5):
            tick(stage)
        assert serves(stage) == NOTHING
        assert not stage.endpoints.made
        outcomes = [
            entry.outcome for entry in stage.adapters.releases.history("flights", until=None, limit=9)
        ]
        assert outcomes.count(Outcome.DELETED) == 1
    assert at > 5


def test_a_promotion_after_the_deletion_is_refused_before_and_after_it_was_heard() -> None:
    stage = two_versions()
    stage.add_model("v3", "v2")
    delete(stage)
    for _ in range(2):
        with pytest.raises(NotFound, match="no pipeline 'flights'"):
            requests.promote(stage.adapters, "flights", "v3", stage.request(), force=True)
    assert serves(stage) == NOTHING
    approve(stage, "v3")
    assert serves(stage) == NOTHING


def test_an_approval_that_comes_when_there_is_no_definition_releases_nothing() -> None:
    stage = Stage()
    delete(stage)
    stage.add_model("v1", life=1)
    approve(stage, "v1")
    assert stage.adapters.releases.current("flights") is None


def test_a_promotion_that_the_deletion_overtakes_is_taken_down(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.add_model("v1")
    get = stage.adapters.pipelines.get

    def deleted_after(name: str) -> Any:
        found = get(name)
        delete(stage)
        return found

    with monkeypatch.context() as racing:
        racing.setattr(stage.adapters.pipelines, "get", deleted_after)
        requests.promote(stage.adapters, "flights", "v1", stage.request())
    stage.endpoints.finish()
    tick(stage)
    assert serves(stage) == NOTHING
    tick(stage)
    assert not stage.endpoints.made


def test_the_deletion_wins_against_whoever_changes_the_release_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = two_versions()
    delete(stage)
    current, left = stage.adapters.releases.current, [3]

    def rolled_back_after(pipeline: str) -> Any:
        row = current(pipeline)
        if left[0]:
            left[0] -= 1
            stage.releases.update((pipeline, "current"), Change(add={"gen": 1}))
        return row

    monkeypatch.setattr(stage.adapters.releases, "current", rolled_back_after)
    hear(stage)
    assert serves(stage) == NOTHING


@pytest.mark.parametrize("ask", [requests.roll_back, requests.stop])
def test_after_the_deletion_there_is_nothing_to_go_back_to(ask: Callable[..., Any]) -> None:
    stage = two_versions()
    delete(stage)
    hear(stage)
    with pytest.raises(Conflict):
        ask(stage.adapters, "flights", stage.request())


def test_a_pipeline_defined_again_begins_with_nothing_live_and_serves_its_next_version() -> None:
    stage = two_versions()
    stage.add_model("v3", "v2")
    delete(stage)
    stage.add_pipeline("flights")
    tick(stage)
    tick(stage)
    assert serves(stage) == NOTHING
    assert not stage.endpoints.made
    stage.add_model("v4", None, life=1)
    approve(stage, "v4")
    stage.endpoints.finish()
    tick(stage)
    assert serves(stage) == ("v4", None, None)
    assert (stage.release().gen, stage.release().life) == (4, 1)
    tick(stage)
    tick(stage)
    assert serves(stage) == ("v4", None, None)


def test_a_new_version_that_comes_before_the_deletion_was_heard_takes_it_down_first() -> None:
    stage = two_versions()
    delete(stage)
    stage.add_pipeline("flights")
    stage.add_model("v3", None, life=1)
    approve(stage, "v3")
    assert serves(stage) == (None, None, "v3")
    stage.endpoints.finish()
    tick(stage)
    assert serves(stage) == ("v3", None, None)


def test_no_version_of_the_deleted_pipeline_releases_itself_but_a_person_may() -> None:
    stage = Stage()
    stage.add_model("v1")
    delete(stage)
    stage.add_pipeline("flights")
    approve(stage, "v1")
    tick(stage)
    assert stage.adapters.releases.current("flights") is None
    requests.promote(stage.adapters, "flights", "v1", stage.request())
    stage.endpoints.finish()
    tick(stage)
    assert serves(stage) == ("v1", None, None)


def test_what_slept_is_not_woken_for_a_deleted_pipeline() -> None:
    stage = Stage(endpoint={"kind": "realtime", "idle_delete": "1h"})
    go_live(stage, "v1")
    stage.clock.advance(7200)
    mending.send_to_sleep(stage.adapters, "flights")
    assert stage.release().asleep_at
    delete(stage)
    hear(stage)
    assert stage.release().asleep_at is None
    mending.wake(stage.adapters, "flights")
    tick(stage)
    tick(stage)
    assert not stage.endpoints.made


def test_predictions_say_plainly_that_nothing_serves(rest: Rest) -> None:
    release(rest, "v1")
    delete(rest.stage)
    hear(rest.stage)
    rest.stage.monotonic += 3
    gone = rest.predict(records({"distance": 1, "carrier": "AA"}))
    assert (gone.status, gone.body["detail"][:21]) == (404, "no pipeline 'flights'")
    rest.stage.add_pipeline("flights")
    again = rest.predict(records({"distance": 1, "carrier": "AA"}))
    assert again.status == 409
    assert "was deleted and defined again, and has released nothing since" in again.body["detail"]


def test_a_batch_ends_as_stopped_and_one_of_the_pipeline_defined_again_goes_on(live: Rest) -> None:
    stage, text = live.stage, "distance,carrier\n1,AA\n2,AA\n"
    batch_id = begin(live, text)
    delete(stage)
    tick(stage)
    assert stage.batching.batches.get("flights", batch_id).state is BatchState.STOPPING
    work(live, batch_id)
    assert stage.batching.batches.get("flights", batch_id).state is BatchState.STOPPED
    stage.add_pipeline("flights")
    stage.add_model("v2", None, life=1)
    approve(stage, "v2")
    stage.endpoints.finish()
    tick(stage)
    stage.monotonic += 3
    later = begin(live, text, "more.csv")
    tick(stage)
    work(live, later)
    assert stage.batching.batches.get("flights", later).state is BatchState.SUCCEEDED


def test_a_batch_whose_pipeline_is_gone_does_not_begin(live: Rest) -> None:
    path = "/v1/batch-predictions/{pipeline}"
    made = live.call("POST", path, path, {"pipeline": "flights"}, '{"file": "mine.csv"}')
    live.stage.data.write(made.body["input_uri"].removeprefix("s3://data/"), b"distance,carrier\n1,AA\n")
    delete(live.stage)
    with pytest.raises(NotFound, match="no pipeline"):
        batches.start(live.stage.batching, "flights", made.body["id"])
