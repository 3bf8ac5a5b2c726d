"""The Dockerfile of the extra image, which nothing here builds: read by hadolint and by what we promise of it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.clouds import ROOT

CONTAINER = ROOT / "training_service" / "sagemaker" / "container"


def pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", file.read_text(encoding="utf-8"), re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, CONTAINER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_named_by_its_digest_and_every_package_by_its_hashes() -> None:
    text = (CONTAINER / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert [bool(re.fullmatch(r"python:3\.12-slim\S*@sha256:[0-9a-f]{64}", base)) for base in bases] == [True]
    assert "--require-hashes --only-binary :all: -r /tmp/requirements.txt" in text
    requirements = (CONTAINER / "requirements.txt").read_text(encoding="utf-8")
    assert requirements.count("--hash=sha256:") >= len(pins(CONTAINER / "requirements.txt")) > 10


def test_a_model_finds_the_versions_of_the_prebuilt_image() -> None:
    prebuilt, own = pins(ROOT / "requirements" / "image.txt"), pins(CONTAINER / "requirements.txt")
    shared = {name: version for name, version in own.items() if name in prebuilt}
    assert shared == {name: prebuilt[name] for name in shared}
    assert {"flask", "gunicorn", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy"} <= shared.keys()


def test_all_that_the_dockerfile_copies_is_there() -> None:
    copied = re.findall(r"^COPY (\S+) ", (CONTAINER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in copied if not (CONTAINER / name).exists()] == []
    assert all((CONTAINER / "bin" / name).stat().st_mode & 0o111 for name in ("train", "serve"))
