"""From a completed job to a model version: whatever breaks on the way, one model or a clear reason."""

import base64
import gzip
import io
import pickle
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from chalicelib.training import archive
from chalicelib.training.archive import BadArtifact, read_documents
from chalicelib.training.job import Job
from chalicelib.training.workflow.finalising import finalise

from shared.entities.training import JobState, ModelState
from shared.errors import Unavailable
from shared.events import ModelVersionApproved
from tests.unit.training.world import World, make_archive, make_documents, make_evaluation

# Every call that leaves the process while a job is finalised, in order: (attribute path of World, method).
STEPS = [
    ("models_table", "get"),
    ("jobs_table", "transact"),
    ("models_bucket", "open"),
    *[("models_bucket", "write")] * 9,
    ("signer", "sign"),
    ("models_bucket", "write"),
    ("models_bucket", "head"),
    ("jobs_table", "transact"),
    *[("models_bucket", "read")] * 2,
    ("bus", "announce"),
]


def completed() -> tuple[World, Job]:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    world.bus.events.clear()
    return world, job


def crash_at(target: Any, method: str, nth: int, *, after: bool) -> Callable[[], None]:
    """Let the *nth* call of ``target.method`` fail, before or after it took effect; return what mends it."""
    original, calls = getattr(target, method), [0]

    def crashing(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] != nth:
            return original(*args, **kwargs)
        if after:
            original(*args, **kwargs)
        raise Unavailable("killed")

    setattr(target, method, crashing)
    return lambda: setattr(target, method, original)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_crash_at_any_step_and_a_redo_give_one_model(step: int, after: bool) -> None:
    world, job = completed()
    name, method = STEPS[step]
    nth = sum(other == (name, method) for other in STEPS[: step + 1])
    mend = crash_at(getattr(world, name), method, nth, after=after)
    with pytest.raises(Unavailable):
        world.changed(job)
    mend()

    world.tick()
    (model,) = world.models()
    assert world.only_job().state is JobState.SUCCEEDED
    assert (model.state, model.attention) == (ModelState.APPROVED, None)
    assert world.bus.named(ModelVersionApproved)
    key = f"models/flights/{model.version}/"
    stored = world.models_bucket.read(f"{key}manifest.sig")
    assert base64.b64decode(model.manifest_signature) == stored
    assert all(len(h) == 1 for k, h in world.models_bucket.versions.items() if k.startswith(key))


def test_a_second_finaliser_changes_nothing() -> None:
    world, job = completed()
    finalising = world.ports.jobs.finalising(job, world.ports.models.take_number("flights"))
    finalise(world.ports, finalising)
    (before,) = world.models()
    finalise(world.ports, finalising)
    assert world.models() == [before]


def test_a_stop_during_finalising_leaves_no_model() -> None:
    world, job = completed()
    finalising = world.ports.jobs.finalising(job, 1)
    world.ports.jobs.stopping(finalising, "stopped by t1")
    assert finalise(world.ports, finalising).state is JobState.STOPPING
    assert world.models() == []
    world.tick()
    assert world.only_job().state is JobState.STOPPED


def packed(name: str = "x", *, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> bytes:
    """Return a good archive with one more entry in front."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, size
        tar.addfile(entry, io.BytesIO(b"0" * size))
        for other, body in make_documents().items():
            entry = tarfile.TarInfo(other)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"not an archive", "cannot be read"),
        (b"", "cannot be read"),
        (gzip.compress(b"x" * 2000, mtime=0), "cannot be read"),
        (make_archive()[:-200], "cannot be read"),
        (packed("../../etc/cron.d/x"), "leaves its folder"),
        (packed("/etc/passwd"), "leaves its folder"),
        (packed("card.md", kind=tarfile.SYMTYPE, link="/etc/passwd"), "neither a file nor a folder"),
        (packed("dev", kind=tarfile.CHRTYPE), "neither a file nor a folder"),
        (make_archive(documents={"model.skops": b"x"}), "lacks signature.json, versions.json"),
        (make_archive(documents=make_documents() | {"model.bin": pickle.dumps([1])}), "is a pickle"),
        (make_archive(documents=make_documents() | {"extra/model.joblib": b"x"}), "is a pickle"),
        (make_archive(documents=make_documents() | {"evaluation.json": b"{"}), "cannot be read"),
        (make_archive(documents=make_documents() | {"evaluation.json": b"{}"}), "cannot be read"),
        (
            make_archive(documents=make_documents() | {"signature.json": b" " * 300_000}),
            "signature.json is larger",
        ),
    ],
)
def test_a_bad_artifact_ends_the_job_with_a_reason_and_no_model(body: bytes, says: str) -> None:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job, body)
    world.changed(job)
    dead = world.only_job()
    assert dead.state is JobState.DEAD
    assert (dead.reason or "").startswith("artifact: ")
    assert says in (dead.reason or "")
    assert world.models() == []


def test_a_completed_job_without_an_artifact_is_dead() -> None:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.sagemaker.move(world.name(job), "Completed")
    world.changed(job)
    assert world.only_job().reason == "artifact: the job left no model.tar.gz"


def test_an_archive_of_too_many_or_too_large_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    with pytest.raises(BadArtifact, match="too large at entry 3"):
        read_documents(io.BytesIO(make_archive()))
    monkeypatch.setattr(archive, "MAX_ENTRIES", 100)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(BadArtifact, match="bytes unpacked"):
        read_documents(io.BytesIO(packed("big", size=1001)))
    monkeypatch.setattr(archive, "MAX_DOCUMENT_BYTES", 3)
    with pytest.raises(BadArtifact, match="larger than 3 bytes"):
        read_documents(io.BytesIO(make_archive()))


def test_an_object_over_the_limit_is_refused_before_it_fills_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_PACKED_BYTES", 100)
    world, job = completed()
    world.changed(job)
    assert "larger than 100 bytes" in (world.only_job().reason or "")


def test_a_number_with_files_of_another_model_is_passed_over_and_nothing_is_overwritten() -> None:
    world, job = completed()
    for taken in ("v1/model.tar.gz", "v2/card.md"):
        world.models_bucket.write(f"models/flights/{taken}", b"older")
    world.changed(job)
    assert world.only_job().state is JobState.SUCCEEDED
    assert [model.version for model in world.models()] == ["v3"]
    for taken in ("v1/model.tar.gz", "v2/card.md"):
        assert world.models_bucket.read(f"models/flights/{taken}") == b"older"


def test_a_stop_while_another_number_is_taken_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    world, job = completed()
    world.models_bucket.write("models/flights/v1/model.tar.gz", b"older")
    take = world.ports.models.take_number

    def stopped_meanwhile(pipeline: str) -> int:
        if (job := world.only_job()).state is JobState.FINALISING:
            world.ports.jobs.stopping(job, "stopped by t1")
        return take(pipeline)

    monkeypatch.setattr(world.ports.models, "take_number", stopped_meanwhile)
    world.changed(job)
    assert world.only_job().state is JobState.STOPPING
    assert world.models() == []


def test_two_who_hear_of_one_completion_at_once_leave_no_gap_in_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, job = completed()
    look = world.ports.models.next_number

    def another_was_quicker(pipeline: str) -> Any:
        found = look(pipeline)
        monkeypatch.setattr(world.ports.models, "next_number", look)
        world.changed(job)
        return found

    monkeypatch.setattr(world.ports.models, "next_number", another_was_quicker)
    world.changed(job)
    assert [model.version for model in world.models()] == ["v1"]
    world.ready(world.dataset(2))
    world.complete(world.jobs()[-1])
    world.changed(world.jobs()[-1])
    assert [model.version for model in world.models()] == ["v1", "v2"]


def test_a_number_that_another_job_takes_meanwhile_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, job = completed()
    look = world.ports.models.next_number

    def taken_meanwhile(pipeline: str) -> Any:
        found = look(pipeline)
        monkeypatch.setattr(world.ports.models, "next_number", look)
        world.ports.models.take_number(pipeline)
        return found

    monkeypatch.setattr(world.ports.models, "next_number", taken_meanwhile)
    world.changed(job)
    assert [model.version for model in world.models()] == ["v2"]


def test_a_nan_metric_is_left_out_of_the_row() -> None:
    metrics = {"challenger": {"log_loss": 0.5, "roc_auc": None}, "baseline": {"log_loss": 0.6}}
    world = World(gate=[])
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job, make_archive(make_evaluation(metrics=metrics)))
    world.changed(job)
    assert world.models()[0].metrics == {"log_loss": 0.5, "latency_p95_ms": 4.0}


def test_a_pipeline_deleted_while_it_trained_leaves_a_rejected_version() -> None:
    world, job = completed()
    world.pipelines_table.rows.clear()
    world.changed(job)
    assert world.models()[0].reasons == ("the pipeline was deleted while its model was trained",)


def test_a_number_that_is_another_jobs_model_is_left_to_it_and_the_next_is_taken() -> None:
    world, first = completed()
    world.changed(first)
    (before,) = world.models()
    world.ready(world.dataset(2))
    second = world.jobs()[-1]
    world.complete(second)
    # As after restoring tables: the counter and the row are those of a time before v1.
    world.models_table.rows[("#counters", "flights")]["number"] = 0
    world.changed(second)
    assert [(model.version, model.job_id) for model in world.models()] == [
        ("v1", first.job_id),
        ("v2", second.job_id),
    ]
    assert world.models()[0] == before
    assert world.ports.jobs.get(second.job_id).state is JobState.SUCCEEDED


def test_a_job_whose_own_model_exists_already_is_ended_and_not_finalised_for_ever() -> None:
    world, job = completed()
    world.changed(job)
    (before,) = world.models()
    row = world.jobs_table.rows[(job.job_id,)]
    row |= {"state": "FINALISING", "attention": "open"}
    world.tick()
    assert world.only_job().state is JobState.SUCCEEDED
    assert world.models() == [before]


def test_a_job_for_which_no_number_is_free_is_dead_and_says_so() -> None:
    world, job = completed()
    world.changed(job)
    (model,) = world.models()
    for number in range(2, 60):
        world.models_table.rows[("flights", f"v{number}")] = {
            **world.models_table.rows[("flights", "v1")],
            "version": f"v{number}",
            "number": number,
        }
    world.models_table.rows[("#counters", "flights")]["number"] = 1
    world.ready(world.dataset(2))
    second = world.jobs()[-1]
    world.complete(second)
    world.changed(second)
    dead = world.ports.jobs.get(second.job_id)
    assert dead.state is JobState.DEAD
    assert f"is the model of training job {model.job_id}" in (dead.reason or "")
