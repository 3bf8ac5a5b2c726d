"""Where the user's script is, and how it gets there."""

import importlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple


class ServingEnvironment(NamedTuple):
    """The variables the image reads, with its defaults."""

    module_name: str
    submit_directory: str
    code_dir: Path
    model_dir: Path
    default_accept: str
    workers: int
    timeout_s: int

    @classmethod
    def from_env(cls) -> "ServingEnvironment":
        """Read SAGEMAKER_PROGRAM and its companions; folders are under /opt/ml or SAGEMAKER_BASE_DIR."""
        base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        program = os.environ.get("SAGEMAKER_PROGRAM", "")
        directory = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(base / "code"))
        # Without a private /opt/ml the documented paths still have to work.
        directory = (
            directory.replace("/opt/ml", str(base), 1) if directory.startswith("/opt/ml/") else directory
        )
        return cls(
            module_name=program.removesuffix(".py"),
            submit_directory=directory,
            code_dir=base / "code",
            model_dir=base / "model",
            default_accept=os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json"),
            # The image starts a worker per CPU; here one machine serves many endpoints.
            workers=int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1")),
            timeout_s=int(os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT", "60")),
        )


def prepare(environment: ServingEnvironment) -> bool:
    """Copy, unpack or download the submit directory to the code folder and install its requirements.

    Return whether modules may be on the path now that were not in the container when this process began.
    """
    is_from_outside = _bring(environment)
    requirements = environment.code_dir / "requirements.txt"
    if requirements.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-r", str(requirements)], check=True)
        return True
    return is_from_outside


def _bring(environment: ServingEnvironment) -> bool:
    """Fill the code folder; return whether with what neither it nor the model had."""
    target = environment.code_dir
    if environment.submit_directory.startswith("s3://"):
        _download_and_unpack(environment.submit_directory, target)
        return True
    source = Path(environment.submit_directory)
    if source.is_file():
        _unpack(source, target)
    elif source.is_dir() and source != target:
        shutil.copytree(source, target, dirs_exist_ok=True)
    return source.exists() and source not in (target, environment.model_dir / "code")


def import_user_module(environment: ServingEnvironment) -> ModuleType:
    """Import the script named by SAGEMAKER_PROGRAM."""
    if not environment.module_name:
        raise ValueError(
            "SAGEMAKER_PROGRAM is not set: name the script with model_fn in the model's Environment."
        )
    code = str(environment.code_dir)
    if code not in sys.path:
        sys.path.insert(0, code)
    return importlib.import_module(environment.module_name)


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")


def _download_and_unpack(uri: str, target: Path) -> None:
    import boto3

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "sourcedir.tar.gz"
        boto3.client("s3").download_file(bucket, key, str(archive))
        _unpack(archive, target)
