"""The lineage walks from a model version to the uploads, and tells which link does not hold."""

from typing import Any

import msgspec
from chalicelib.training.workflow.reading import read_card
from chalicelib.training.workflow.tracing import trace

from tests.unit.training.test_reproducing import trained
from tests.unit.training.world import World


def broken(world: World, **row: Any) -> list[tuple[str, str]]:
    """Return the links that do not hold once the row is changed."""
    (model,) = world.models()
    found = trace(world.ports, msgspec.structs.replace(model, **row))
    assert found.verified is all(check.holds for check in found.checks)
    return [(check.what, check.detail) for check in found.checks if not check.holds]


def replace(world: World, bucket: Any, key: str, body: bytes) -> None:
    version, _, at = bucket.versions[key][-1]
    bucket.versions[key][-1] = (version, body, at)


def test_every_link_holds_and_is_told_down_to_the_hash_of_the_upload() -> None:
    world = trained()
    (model,) = world.models()
    found = trace(world.ports, model)
    assert broken(world) == []
    assert found.verified
    names = [check.what for check in found.checks]
    assert {"manifest", "row", "artifact", "evaluation.json", "parameters", "datasets", "recipe"} <= set(
        names
    )
    (dataset,) = found.datasets
    assert (dataset.version, dataset.raw.sha256, dataset.raw.version_id) == ("d1", f"{1:064d}", "1")
    assert dataset.raw.uri == "s3://incoming/k"
    assert found.code.recipe_uri == f"s3://models/code/{'c' * 64}/sourcedir.tar.gz"
    assert (found.code.pinned_by, found.code.versions["numpy"], found.seed) == ("tag", "2.5.1", 42)
    assert found.job.sagemaker_job == f"headrace-test-{model.job_id}-a1"
    assert found.job.input_sha256.startswith(model.job_id)
    assert found.judgements[-1].state == model.state == found.state
    assert found.package_arn == model.package_arn


def test_a_forged_manifest_signature_or_row_is_told() -> None:
    world = trained()
    assert broken(world, manifest_signature="c2lnbmF0dXJl" * 4) == [
        ("manifest", "its signature does not hold")
    ]
    (row,) = broken(world, image_uri="evil", artifact_sha256="0" * 64)
    assert row == ("row", "the row says otherwise than the signed manifest of: image_uri, artifact_sha256")
    key = "models/flights/v1/manifest.json"
    replace(world, world.models_bucket, key, world.models_bucket.read(key) + b" ")
    assert broken(world) == [("manifest", "manifest.json is not the file that was registered")]


def test_a_file_of_other_bytes_and_one_that_is_gone_are_told() -> None:
    world = trained()
    replace(world, world.models_bucket, "models/flights/v1/model.tar.gz", b"x")
    world.models_bucket.delete("models/flights/v1/card.md")
    (artifact, card) = broken(world)
    assert artifact[0] == "artifact"
    assert "are not those the manifest signs" in artifact[1]
    assert card == ("card.md", "s3://models/models/flights/v1/card.md is gone")


def test_other_data_under_the_same_name_and_gone_data_are_told() -> None:
    world = trained()
    key = "datasets/flights/d1/manifest.json"
    forged = world.data.read(key).replace(f"{1:064d}".encode(), f"{2:064d}".encode())
    replace(world, world.data, key, forged)
    ((what, detail),) = broken(world)
    assert (what, detail[:18]) == ("datasets", "another input hash")
    world.data.delete(key)
    assert broken(world) == [("datasets", "gone: d1")]
    world.models_bucket.delete(f"code/{'c' * 64}/sourcedir.tar.gz")
    assert broken(world)[-1][0] == "recipe"


def test_the_plan_that_is_gone_is_told_and_the_rest_is_still_checked() -> None:
    world = trained()
    (model,) = world.models()
    world.data.delete(f"jobs/{model.job_id}/plan.json")
    assert broken(world) == [("parameters", f"the plan of job {model.job_id} is gone")]


def test_the_card_tells_use_data_decisions_origin_and_whether_all_of_it_holds() -> None:
    world = trained()
    (model,) = world.models()
    card = read_card(world.ports, model).markdown
    assert card.startswith("# flights\n")
    assert "The gate asks: roc_auc >= 0.60; log_loss <= champion + 0.005." in card
    assert (
        f"| d1 (d1) | 1500 | 2026-01-01T00:00:00Z | 2026-01-01T00:00:00Z | time | s3://incoming/k | {1:064d} |"
        in card
    )
    assert "| roc_auc >= 0.60 | passed |" in card
    assert f"{model.judgements[0].at}: APPROVED by the gate" in card
    assert f"Recipe tabular, sha256 {'c' * 64}" in card
    assert "`headrace models reproduce flights v1`" in card
    assert "Every link holds, checked when this card was read" in card
    replace(world, world.models_bucket, "models/flights/v1/model.tar.gz", b"x")
    assert "**Not every link holds**" in read_card(world.ports, model).markdown
    world.pipelines_table.rows.clear()
    assert "None any more" in read_card(world.ports, model).markdown


def test_changed_parameters_break_two_links() -> None:
    world = trained()
    (model,) = world.models()
    key = f"jobs/{model.job_id}/plan.json"
    replace(world, world.data, key, world.data.read(key).replace(b'"seed":42', b'"seed":43'))
    assert [what for what, _ in broken(world)] == ["parameters", "datasets"]
