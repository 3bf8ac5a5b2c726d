"""Users' own recipes: how a pipeline takes one, and which no job is started with."""

import base64
import gzip
import hashlib
import io
import tarfile

import pytest
from chalicelib.training.pushed_recipes import BadRecipe, check_pushed, permit_push, recipe_key

from shared.entities.training import JobState
from tests.fakes import FakeBucket, FakeClock
from tests.unit.training.world import World

GOOD = {"train.py": b"print()\n", "inference.py": b"print()\n"}


def tarball(files: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def stored(body: bytes, named: str | None = None) -> tuple[FakeBucket, str]:
    """Return a bucket with the recipe, and the name it goes by."""
    bucket, sha256 = FakeBucket("models"), named or hashlib.sha256(body).hexdigest()
    bucket.write(recipe_key(sha256), body)
    return bucket, sha256


def test_a_good_recipe_passes() -> None:
    check_pushed(*stored(tarball(GOOD)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (tarball({"inference.py": b""}), "it has no train.py at its top"),
        (tarball({"code/train.py": b""}), "it has no train.py and no inference.py at its top"),
        (tarball(GOOD | {"requirements.txt": b"skops"}), "jobs run without network"),
        (tarball(GOOD | {"../x": b""}), "which leaves its folder"),
        (
            tarball({"train.py": b"", "inference.py": b""}, kind=tarfile.SYMTYPE),
            "neither a file nor a folder",
        ),
        (b"PK", "it is no tar.gz"),
        (gzip.compress(b"no tar" * 200), "it is no tar.gz"),
    ],
    # A tarball holds the time of its making, and every worker that runs tests makes its own.
    ids=lambda value: value if isinstance(value, str) else "body",
)
def test_a_recipe_that_no_job_could_run_is_refused_with_a_sentence(body: bytes, says: str) -> None:
    with pytest.raises(BadRecipe) as raised:
        check_pushed(*stored(body))
    assert says in str(raised.value)


def test_other_bytes_under_a_recipes_name_are_refused() -> None:
    with pytest.raises(BadRecipe, match="has other bytes"):
        check_pushed(*stored(tarball(GOOD), "ab" * 32))


def test_a_pushed_recipe_is_not_asked_for_again_and_a_new_one_gets_a_form_for_its_key_only() -> None:
    body = tarball(GOOD)
    bucket, sha256 = FakeBucket("models"), hashlib.sha256(body).hexdigest()
    granted = permit_push(bucket, sha256, FakeClock())
    assert granted.upload is not None
    # S3 itself compares the bytes with the name, in base64.
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert granted.upload.fields == {"key": recipe_key(sha256), "x-amz-checksum-sha256": checksum}
    bucket.write(recipe_key(sha256), body, sha256=checksum)
    assert permit_push(bucket, sha256, FakeClock()).upload is None


def test_a_job_trains_with_the_recipe_and_in_the_image_that_its_pipeline_names() -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine@sha256:{'5' * 64}"
    world = World()
    body = tarball(GOOD)
    sha256 = hashlib.sha256(body).hexdigest()
    world.models_bucket.write(recipe_key(sha256), body)
    world.define(model={"recipe": sha256, "image": image})
    world.ready(world.dataset(1))
    job = world.only_job()
    assert (job.state, job.recipe, job.recipe_sha256, job.image_uri) == (
        JobState.RUNNING,
        "own",
        sha256,
        image,
    )
    (request,) = world.sagemaker.created
    assert request["AlgorithmSpecification"]["TrainingImage"] == image


def test_a_job_whose_recipe_was_never_pushed_is_dead_with_what_to_do() -> None:
    world = World()
    world.define(model={"recipe": "ab" * 32})
    world.ready(world.dataset(1))
    job = world.only_job()
    assert job.state is JobState.DEAD
    assert job.reason == (
        "recipe: no recipe abababababab… is stored in this stage; push its folder with `headrace recipes push`, "
        "then retry the job"
    )
