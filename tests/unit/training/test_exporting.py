"""A model's other form is kept beside it, signed with it, and told only where it is what was signed."""

from typing import Any

import pytest
from chalicelib.training.workflow.exporting import find_onnx

from shared.errors import Conflict, NotFound
from tests.unit.training.world import World, make_archive, make_documents, make_evaluation

KEY = "models/flights/v1/model.onnx"
TOLD = {"written": True, "rows": 300, "flips": 0, "largest_difference": 1e-7, "tolerance": 1e-6}


def registered(exports: dict[str, Any], *, body: bytes | None) -> World:
    world = World(model={"export": ["onnx"]})
    world.ready(world.dataset(1))
    job = world.only_job()
    documents = make_documents(make_evaluation(exports=exports))
    if body is not None:
        documents["model.onnx"] = body
    world.complete(job, make_archive(documents=documents))
    world.changed(job)
    return world


def test_the_export_is_asked_of_the_job_kept_beside_the_artifact_and_in_the_signed_manifest() -> None:
    world = registered({"onnx": TOLD}, body=b"\x08\x0aonnx")
    assert world.ports.job_files.read(world.only_job().job_id).parameters["export"] == ["onnx"]
    (model,) = world.models()
    found = find_onnx(world.ports, model)
    assert world.models_bucket.read(KEY) == b"\x08\x0aonnx"
    assert (found.size_bytes, found.expires_in_s) == (6, 300)
    assert KEY in found.url


def test_a_pipeline_that_asks_for_none_has_jobs_of_the_same_identity_as_before() -> None:
    world = World()
    world.ready(world.dataset(1))
    assert "export" not in world.ports.job_files.read(world.only_job().job_id).parameters


def test_one_that_was_written_over_is_refused() -> None:
    world = registered({"onnx": TOLD}, body=b"\x08\x0aonnx")
    version, _, at = world.models_bucket.versions[KEY][-1]
    world.models_bucket.versions[KEY][-1] = (version, b"\x08\x0aonnx!", at)
    (model,) = world.models()
    with pytest.raises(Conflict, match=r"model\.onnx: S3 has 7 bytes that are not those the manifest signs"):
        find_onnx(world.ports, model)


@pytest.mark.parametrize(
    ("exports", "why"),
    [
        ({}, "its pipeline did not ask for one"),
        ({"onnx": {"written": False, "reason": "2 of 300 rows get another class"}}, "2 of 300 rows get"),
    ],
)
def test_why_there_is_none_is_told(exports: dict[str, Any], why: str) -> None:
    world = registered(exports, body=None)
    (model,) = world.models()
    with pytest.raises(NotFound, match=why):
        find_onnx(world.ports, model)
