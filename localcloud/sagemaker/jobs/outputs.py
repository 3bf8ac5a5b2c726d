"""A folder of a container that is carried to S3, once or again and again."""

from pathlib import Path
from typing import Any

from localcloud.sagemaker import artifacts
from localcloud.sagemaker.errors import ClientJobError


class FolderUpload:
    """One output: a folder, its place in S3, and what of it is there already."""

    def __init__(self, s3: Any, folder: Path, uri: str) -> None:
        self._s3, self._folder, self._uri = s3, folder, uri.rstrip("/")
        self._uploaded: dict[str, tuple[int, int]] = {}

    @property
    def has_uploaded(self) -> bool:
        """Whether anything of it is in S3."""
        return bool(self._uploaded)

    def synchronise(self) -> None:
        """Upload every file that is new or has changed since the last time."""
        # Unlike rglob, walk passes over a folder that the program removes meanwhile.
        for folder, _, names in self._folder.walk():
            for name in sorted(names):
                self._upload(folder / name)

    def _upload(self, path: Path) -> None:
        name = path.relative_to(self._folder).as_posix()
        version = _version(path)
        if version is None or version == self._uploaded.get(name):
            return
        try:
            artifacts.upload_file(self._s3, path, f"{self._uri}/{name}")
        except ClientJobError:
            # A program that writes `x.tmp` and renames it takes the file from under a Continuous upload.
            if path.exists():
                raise
        else:
            self._uploaded[name] = version


def _version(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file's content; None for what is no file, or is gone by now."""
    # AWS does not follow symbolic links in outputs (developer guide, byoc-input-and-output).
    if path.is_symlink() or not path.is_file():
        return None
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
