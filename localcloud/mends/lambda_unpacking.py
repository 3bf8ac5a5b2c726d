"""Lambda: the environments of one zip share its files, on disk and in memory."""

import hashlib
import os
import shutil
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "lambda_unpacking"


def mend(settings: Settings) -> None:
    """Unpack each zip once and give its files, read-only, to every worker by hard links.

    AWS: /var/task is read-only (developer guide, "Lambda execution environment"); how hosts share code is not documented.
    MiniStack 1.5.33: unpacks a copy for each worker, so that nothing is shared: of an environment with DuckDB 46 MB of mapped
    libraries, 110 MB on disk besides the zip itself, and a second of a start (measured).
    """
    require(
        MEND,
        lambda_runtime.Worker,
        "_spawn",
        'with zipfile.ZipFile(os.path.join(self._tmpdir, "code.zip")) as zf:\n            zf.extractall(code_dir)',
    )
    lambda_runtime.zipfile = _SharedZips(Unpacked(settings.home.tmp / "unpacked"))


class Unpacked:
    """The unpacked zips, by what they hold; one that no worker uses goes when there is a new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def give(self, archive: Path, target: Path) -> None:
        """Fill a worker's folder with the files of a zip; the zip itself is not needed any more."""
        with archive.open("rb") as content:
            name = hashlib.file_digest(content, "sha256").hexdigest()
        with self._lock:
            tree = self._folder / name
            if not tree.exists():
                self._remove_unused()
                _unpack(archive, tree)
            shutil.copytree(tree, target, copy_function=os.link, dirs_exist_ok=True)
        archive.unlink()

    def _remove_unused(self) -> None:
        for tree in self._folder.glob("*"):
            files = (path for path in tree.rglob("*") if path.is_file())
            if all(file.stat().st_nlink == 1 for file in files):
                shutil.rmtree(tree)


class _SharedZips(ModuleType):
    """The `zipfile` that MiniStack's Lambda runtime sees; only a worker's code is unpacked otherwise."""

    def __init__(self, unpacked: Unpacked) -> None:
        super().__init__("zipfile")

        class ZipFile(zipfile.ZipFile):
            """A zip whose files are shared where it is the code of a function."""

            def extractall(self, path: Any = None, *arguments: Any, **options: Any) -> None:
                archive = Path(str(self.filename))
                if archive.name != "code.zip":
                    return super().extractall(path, *arguments, **options)
                return unpacked.give(archive, Path(path))

        self.ZipFile = ZipFile

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)


def _unpack(archive: Path, tree: Path) -> None:
    """Unpack in one step, as far as anybody sees; permissions are the zip's as far as they matter to Python."""
    begun = tree.with_suffix(".begun")
    shutil.rmtree(begun, ignore_errors=True)
    with zipfile.ZipFile(archive) as code:
        code.extractall(begun)
    for path in begun.rglob("*"):
        if path.is_file():
            # One worker's scribbling would be everybody's.
            path.chmod(0o444)
    begun.rename(tree)
