"""A pipeline is deleted once: its definition goes and its deletion stays, in one write."""

import pytest

from shared.errors import PreconditionFailed, Unavailable
from shared.events import PipelineDeleted
from shared.readers import Pipelines


def test_a_forced_deletion_says_what_goes_and_what_stays(rest, csv):
    row = rest.world.upload(csv())
    status, told, _ = rest("DELETE", "/v1/pipelines/trips?force=true")
    assert (status, told["pipeline"], told["deleted_by"]) == (200, "trips", "t")
    assert "endpoints deleted" in told["detail"]
    assert "Dataset versions and model versions stay" in told["detail"]
    event = PipelineDeleted(pipeline="trips", life=1, deleted_by="t", deleted_at=told["deleted_at"])
    assert rest.world.bus.named(PipelineDeleted) == [event]
    assert rest("GET", "/v1/pipelines/trips")[0] == 404
    assert rest("GET", f"/v1/datasets/trips/{row.version}")[1]["state"] == "READY"


def test_an_unforced_deletion_names_what_stands_against_it_and_changes_nothing(rest, csv):
    rest.world.upload(csv())
    status, problem, _ = rest("DELETE", "/v1/pipelines/trips")
    assert status == 409
    assert "has 1 dataset versions: a model may be live from them, and jobs may run" in problem["detail"]
    assert rest("GET", "/v1/pipelines/trips")[0] == 200
    assert Pipelines(rest.world.pipelines).deletions() == []
    assert not rest.world.bus.named(PipelineDeleted)


def test_each_deletion_of_a_name_counts_and_has_an_event_of_its_own(rest):
    for life in (1, 2, 3):
        assert rest("DELETE", "/v1/pipelines/trips")[0] == 200
        assert Pipelines(rest.world.pipelines).life("trips") == life
        assert rest("DELETE", "/v1/pipelines/trips")[0] == 404
        rest.world.define()
    assert len({event.identity() for event in rest.world.bus.named(PipelineDeleted)}) == 3
    assert Pipelines(rest.world.pipelines).names() == ["trips"]


def test_of_two_deletions_at_once_one_counts(rest, monkeypatch):
    store = rest.world.adapters().pipelines
    check = store._check_rev

    def deleted_meanwhile(name, rev):
        found = check(name, rev)
        rest.world.adapters().pipelines.delete(name, "eve", rest.world.clock())
        return found

    monkeypatch.setattr(store, "_check_rev", deleted_meanwhile)
    with pytest.raises(PreconditionFailed, match="changed or deleted meanwhile"):
        store.delete("trips", "ada", rest.world.clock())
    deletion = Pipelines(rest.world.pipelines).deletion("trips")
    assert deletion is not None
    assert (deletion.life, deletion.deleted_by) == (1, "eve")


def test_a_stale_if_match_deletes_nothing_and_leaves_no_deletion(rest):
    assert rest("DELETE", "/v1/pipelines/trips?force=true", If_Match='"7"')[0] == 412
    assert Pipelines(rest.world.pipelines).deletions() == []


def test_a_bus_that_does_not_answer_undoes_no_deletion(rest, monkeypatch):
    def silent(*_, **__):
        raise Unavailable("no answer")

    monkeypatch.setattr(rest.world.bus, "announce", silent)
    assert rest("DELETE", "/v1/pipelines/trips")[0] == 200
    assert Pipelines(rest.world.pipelines).life("trips") == 1


@pytest.mark.usefixtures("replayed")
def test_a_pipeline_defined_again_lists_the_data_of_before_and_counts_on(rest, csv):
    rest.world.upload(csv())
    rest("DELETE", "/v1/pipelines/trips?force=true")
    rest.world.define()
    again = rest.world.upload(csv(), "another.csv")
    listed = rest("GET", "/v1/datasets/trips")[1]["versions"]
    assert [version["alias"] for version in listed] == ["d2", "d1"]
    assert again.ordinal == 2


@pytest.mark.usefixtures("replayed")
def test_an_upload_for_a_deleted_pipeline_is_rejected(rest, csv):
    rest("DELETE", "/v1/pipelines/trips")
    row = rest.world.upload(csv())
    assert (row.state, row.reason) == ("REJECTED", "unknown_pipeline")
