"""Rows derived from the documents in S3 say what the services' own rows say."""

import json
from typing import Any

import msgspec
import pytest

from infra.rebuilt_rows import Document, ModelDocuments, Plan, dataset_rows, job_rows, model_rows
from shared.entities.training import ModelState
from tests.fakes import FakeBucket
from tests.unit.training.world import World, make_manifest

# Of when, how often and in which words something was decided no document tells.
UNKNOWN = {"rev", "created_at", "updated_at", "started_at", "ended_at", "told_attempt", "instance"}
UNKNOWN |= {
    "judgements",
    "verdicts",
    "paced",
    "data_at",
    "queued_at",
    "tries",
    "is_limited",
    "log_tail",
    "next_try_at",
}
AT = "2026-01-01T00:00:00Z"
FOLDER = "models/flights/v1/"


def trained() -> World:
    """Return a training service with one approved and mirrored model version."""
    world = World()
    world.ready(world.dataset(1))
    world.complete(world.only_job())
    world.changed(world.only_job())
    world.tick()
    return world


def documents_of(world: World, package: dict[str, Any] | None) -> ModelDocuments:
    bucket: FakeBucket = world.models_bucket
    return ModelDocuments(
        manifest=Document(
            uri=f"s3://models/{FOLDER}manifest.json",
            written_at=AT,
            body=bucket.read(f"{FOLDER}manifest.json"),
        ),
        signature=bucket.read(f"{FOLDER}manifest.sig"),
        evaluation=bucket.read(f"{FOLDER}evaluation.json"),
        serving=bucket.read(f"{FOLDER}serving.json"),
        inputs=bucket.read(f"{FOLDER}signature.json"),
        artifact_uri=f"s3://models/{FOLDER}model.tar.gz",
        artifact_version_id=bucket.head(f"{FOLDER}model.tar.gz").version_id,
        package=package,
    )


def plans_of(world: World) -> dict[str, Plan]:
    job = world.only_job()
    body = world.data.read(f"jobs/{job.job_id}/plan.json")
    return {job.job_id: msgspec.json.decode(body, type=Plan)}


def known(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a document can tell of a row, without what is empty."""
    plain = json.loads(json.dumps(row, default=str))
    return {name: value for name, value in plain.items() if name not in UNKNOWN and value not in ([], "", 0)}


def test_a_model_version_is_rebuilt_from_its_files_and_its_package() -> None:
    world = trained()
    (model,) = world.models()
    package = {"ModelPackageArn": model.package_arn, "ModelApprovalStatus": "Approved"}
    row, counter = model_rows([documents_of(world, package)], plans_of(world))
    assert known(row) == known(world.models_table.rows["flights", "v1"])
    assert counter == {"pipeline": "#counters", "version": "flights", "number": 1}


@pytest.mark.parametrize(
    ("noted", "state"),
    [
        (("PendingManualApproval", "PENDING_APPROVAL"), ModelState.PENDING_APPROVAL),
        (("PendingManualApproval", "NEEDS_PERSON"), ModelState.NEEDS_PERSON),
        (("Approved", "APPROVED"), ModelState.NEEDS_PERSON),  # whoever changed it since wants a person asked
        (("PendingManualApproval",), ModelState.NEEDS_PERSON),  # written before states were noted
    ],
)
def test_a_version_that_waits_for_a_person_waits_for_the_same_reason(
    noted: tuple[str, ...], state: ModelState
) -> None:
    world = trained()
    names = ("headrace_status", "headrace_state")
    package = {
        "ModelPackageArn": "arn",
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": dict(zip(names, noted, strict=False)),
    }
    row, _ = model_rows([documents_of(world, package)], plans_of(world))
    assert row["state"] == state


def test_the_job_that_made_it_is_rebuilt_and_its_data_counts_as_trained() -> None:
    world = trained()
    job, mark = job_rows([documents_of(world, None)], plans_of(world))
    assert known(job) == known(world.jobs_table.rows[(str(job["job_id"]),)])
    assert known(mark) == known(world.jobs_table.rows[("#dataset#flights#d1",)])


def test_data_that_later_jobs_train_too_is_marked_by_its_own_job() -> None:
    world = trained()
    (plan,) = plans_of(world).values()
    later = msgspec.structs.replace(plan, job_id="later", dataset_version="d2", dataset_versions=("d1", "d2"))
    _, *marks = job_rows([documents_of(world, None)], {plan.job_id: plan, "later": later})
    assert [mark["trained_by"] for mark in marks] == [plan.job_id, "later"]


def test_a_version_without_a_package_is_judged_by_the_gate_again() -> None:
    world = trained()
    row, _ = model_rows([documents_of(world, None)], plans_of(world))
    assert (row["state"], row["attention"]) == (ModelState.REGISTERED, "open")


def test_a_rejection_keeps_its_reasons() -> None:
    world = trained()
    package = {
        "ModelPackageArn": "arn",
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": "Headrace: a; b",
    }
    row, _ = model_rows([documents_of(world, package)], plans_of(world))
    assert (row["state"], list(row["reasons"])) == (ModelState.REJECTED, ["a", "b"])


def test_dataset_versions_are_rebuilt_with_who_was_first_and_which_ordinal_came_last() -> None:
    manifests = [make_manifest("flights", ordinal, AT) for ordinal in (3, 1)]
    same = msgspec.structs.replace(manifests[1], version="again", ordinal=2)
    documents = [
        Document(uri=f"s3://data/{one.version}", written_at=AT, body=msgspec.json.encode(one))
        for one in (*manifests, same)
    ]
    rows = list(dataset_rows(documents))
    versions = {row["version"]: row for row in rows if not str(row["pipeline"]).startswith("#")}
    assert [(row["ordinal"], row.get("duplicate_of")) for row in versions.values()] == [
        (1, None),
        (2, "d1"),
        (3, None),
    ]
    assert versions["d1"]["manifest_uri"] == "s3://data/d1"
    assert {"pipeline": "#counters", "version": "flights", "ordinal": 3} in rows
    assert {"pipeline": "#schema#flights", "version": "newest", "holder": "d1", "sha256": "s"} in rows
    assert len([row for row in rows if row["pipeline"] == "#content#flights"]) == 2
