"""Build a recipe tarball: what SageMaker unpacks and runs, the same bytes for the same sources.

Stages: read the sources and the pins → name the content → (only if new) vendor the pinned packages →
write a tar whose order, times and owners say nothing about the machine that made it.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from infra.errors import DeployError

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "training_service" / "sagemaker" / "recipes"
# Beside the families, the folder whose content goes into every family's tarball.
SHARED = "common"
PINS = ROOT / "requirements" / "recipes.txt"
# Written by the installer and different on every machine, or of no use in a container.
LEFT_OUT = {"__pycache__", "tests", "bin", ".lock", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
# Raise it when the layout of the tarball changes, or an old cache would answer.
LAYOUT = b"recipe-tarball-2"

Install = Callable[[Path, Path], None]


class RecipeTarball(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe family packed for `sagemaker_submit_directory`; `sha256` names its bytes."""

    family: str
    path: Path
    sha256: str


class RecipeBuildError(DeployError):
    """The recipe family does not exist, or its pinned packages could not be installed."""


def vendor_with_uv(pins: Path, target: Path) -> None:
    """Install the hash-pinned, pure-Python packages into a folder, without their dependencies."""
    command = [*_uv(), "pip", "install", "--quiet", "--target", str(target), "--python", sys.executable]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirements", str(pins)]
    # The system's certificates, as the Makefile has it: behind a company's proxy uv's own know nobody.
    env = {"UV_SYSTEM_CERTS": "1", **os.environ}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        raise RecipeBuildError(f"{pins.name} could not be vendored: {said}")


def build_tarball(family: str, *, cache: Path, install: Install = vendor_with_uv) -> RecipeTarball:
    """Return the family's tarball from the cache, building it when sources or pins have changed.

    Raises
    ------
    RecipeBuildError
        There is no such family, or a package cannot be installed as pinned.
    """
    # The shared package is part of every family: when it changes, all of them are other code.
    sources = {**read_tree(RECIPES / SHARED), **read_tree(RECIPES / family)}
    if "train.py" not in sources:
        known = sorted(p.parent.name for p in RECIPES.glob("*/train.py"))
        raise RecipeBuildError(f"There is no recipe family '{family}'; there are {', '.join(known)}.")
    path = cache / f"{family}-{_content_name(sources, PINS.read_bytes())}.tar.gz"
    if not path.is_file():
        with tempfile.TemporaryDirectory() as scratch:
            install(PINS, Path(scratch))
            content = pack({**read_tree(Path(scratch)), **sources})
        _write_whole(path, content)
    return RecipeTarball(family=family, path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return every file to pack by its path, slashes between the parts."""
    files = (path for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if LEFT_OUT.isdisjoint(path.relative_to(folder).parts))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept if path.suffix != ".pyc"}


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a tar.gz of the files that depends on nothing but their names and bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            # TarInfo's defaults are what is wanted: time 0, root's ids, no names.
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def _content_name(sources: Mapping[str, bytes], pins: bytes) -> str:
    digest = hashlib.sha256(LAYOUT)
    for name, content in sorted({**sources, "requirements.txt": pins}.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:20]


def _write_whole(path: Path, content: bytes) -> None:
    # Two builds at once may both write: each renames a whole file, and both files are the same.
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "uv"]


if __name__ == "__main__":
    print(build_tarball(sys.argv[1], cache=Path(sys.argv[2])).path)
