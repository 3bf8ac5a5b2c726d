"""A file above 64 MiB on a deployed stage, whose upload is killed on its way."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Pipelines
from tests.stage import Stage, eventually

INCOMING = "headrace-local-000000000000-incoming"
MIB = 1024 * 1024


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A large file that ingestion refuses at first sight: what counts here is only how it arrives."""
    file = tmp_path / "noise.csv"
    file.write_bytes(random.Random(3).randbytes(200 * MIB))
    return file


def start(stage: Stage, state: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "headrace", *arguments],
        cwd=stage.root,
        env=stage.environment | {"XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def arrived(s3: Any, key: str) -> int:
    """Return how many parts of the unfinished upload of *key* S3 has."""
    uploads = [
        row for row in s3.list_multipart_uploads(Bucket=INCOMING).get("Uploads", []) if row["Key"] == key
    ]
    parts = [s3.list_parts(Bucket=INCOMING, Key=key, UploadId=row["UploadId"]) for row in uploads]
    return sum(len(page.get("Parts", [])) for page in parts)


def test_an_upload_that_was_killed_goes_on_and_arrives_byte_for_byte(
    stage: Stage, pipelines: Pipelines, noise: Path, tmp_path: Path
) -> None:
    pipeline, s3 = pipelines.create("noise"), stage.aws("s3")
    key = f"incoming/{pipeline}/{noise.name}"
    first = start(stage, tmp_path, "upload", pipeline, str(noise))
    eventually(lambda: arrived(s3, key) >= 2, every_s=0.02)
    first.kill()
    first.communicate()
    assert "Contents" not in s3.list_objects_v2(Bucket=INCOMING, Prefix=key)

    second = start(stage, tmp_path, "upload", pipeline, str(noise), "-o", "json")
    out, told = second.communicate(timeout=120)
    assert second.returncode == 0, told
    assert "resumed: " in told
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=INCOMING, Key=key)["Body"].iter_chunks(MIB):
        digest.update(chunk)
    assert digest.hexdigest() == hashlib.sha256(noise.read_bytes()).hexdigest()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=INCOMING, Prefix=key)
    # The version that the upload was told is the one that ingestion makes.
    assert pipelines.settled(pipeline, noise.name)["version"] == json.loads(out)["version"]
