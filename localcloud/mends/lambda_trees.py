"""Lambda: functions that were deployed with the same zip run from one unpacked tree."""

import hashlib
import shutil
import threading
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "lambda_trees"


def mend(settings: Settings) -> None:
    """Unpack each zip once, and let every worker of it run from there.

    AWS: unpacks the package for each execution environment and mounts it read-only as `/var/task`, so nobody can see
    whether it is shared (developer guide, "Deploying Python Lambda functions with .zip file archives").
    MiniStack 1.5.33: each start of a worker unpacks the zip into a folder of its own: .85 CPU s and 100 MB of disk for
    a service of 37 MB, whose libraries are then in memory once for every worker (measured).
    """
    require(
        MEND,
        lambda_runtime.Worker,
        "_spawn",
        'with zipfile.ZipFile(os.path.join(self._tmpdir, "code.zip")) as zf:\n            zf.extractall(code_dir)',
    )
    lambda_runtime.zipfile = _ZipfileOfWorkers(Trees(settings.home.tmp / "code"))


class Trees:
    """Unpacked zips in one folder, by the digest of the zip."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def link(self, code_zip: Path, code_dir: Path) -> None:
        """Make *code_dir*, an empty folder so far, lead to the tree of *code_zip*, which is deleted."""
        digest = hashlib.sha256(code_zip.read_bytes()).hexdigest()
        with self._lock:
            tree = self._folder / digest
            if not tree.exists():
                self._forget(tree.parent)
                _unpack(code_zip, tree)
            code_dir.rmdir()
            code_dir.symlink_to(tree)
        code_zip.unlink()

    def _forget(self, folder: Path) -> None:
        """Delete the trees from which no worker runs, such as that of the deployment before."""
        if not folder.exists():
            return
        # <tmp>/code/<digest> beside <tmp>/ministack-lambda-<function>-<random>/code
        used = {link.readlink() for link in folder.parent.glob("*/code") if link.is_symlink()}
        for tree in folder.iterdir():
            if tree not in used:
                shutil.rmtree(tree, ignore_errors=True)


def _unpack(code_zip: Path, tree: Path) -> None:
    draft = tree.with_suffix(".new")
    with zipfile.ZipFile(code_zip) as archive:
        archive.extractall(draft)
    draft.rename(tree)


class _ZipfileOfWorkers(ModuleType):
    """The `zipfile` that MiniStack's Lambda runtime sees; only what opens a worker's `code.zip` differs."""

    def __init__(self, trees: Trees) -> None:
        super().__init__("zipfile")
        self._trees = trees

    def __getattr__(self, name: str) -> Any:
        return getattr(zipfile, name)

    def ZipFile(self, path: str) -> "zipfile.ZipFile | _CodeZip":  # noqa: N802 - the name MiniStack calls
        """Open a zip; a layer's as ever."""
        opened = zipfile.ZipFile(path)
        if Path(path).name != "code.zip":
            return opened
        # Opened all the same: what is no zip is refused as before.
        opened.close()
        return _CodeZip(Path(path), self._trees)


class _CodeZip:
    """What a worker does with its zip: extract all of it."""

    def __init__(self, path: Path, trees: Trees) -> None:
        self._path = path
        self._trees = trees

    def __enter__(self) -> "_CodeZip":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def extractall(self, code_dir: str) -> None:
        """Link the tree to where the files would go."""
        self._trees.link(self._path, Path(code_dir))
