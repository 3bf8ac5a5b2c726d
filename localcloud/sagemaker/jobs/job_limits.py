"""What a job of any kind may ask of one machine, and where in its container a path lies."""

import posixpath
from pathlib import Path

from localcloud.sagemaker.errors import unsupported
from localcloud.sagemaker.store import Row


def check_one_instance(resources: Row, member: str) -> None:
    """Refuse anything but one instance of a named type; `member` is where the request says it."""
    if not resources.get("InstanceType"):
        raise unsupported(f"a job needs {member}.InstanceType (no groups or choices of instances)")
    if resources.get("InstanceCount", 1) != 1:
        raise unsupported(f"a job has exactly one instance ({member}.InstanceCount is 1)")


def is_under(local_path: str, folder: str) -> bool:
    """Tell whether a path in the container lies inside a folder, however many `..` it is written with."""
    return posixpath.normpath(local_path).startswith(f"{folder}/")


def folder_at(base: Path, local_path: str) -> Path:
    """Return the folder on this machine that is the container's `local_path`, a path under /opt/ml."""
    return base / posixpath.relpath(local_path, "/opt/ml")
