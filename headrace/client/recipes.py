"""A recipe folder of one's own: looked through, packed so that equal folders are equal bytes, and pushed."""

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from headrace.client.api import Api
from headrace.client.problems import storage_failure
from headrace.client.uploads import PresignedPost, post_file
from headrace.failures import BadData

ENTRY_SCRIPTS = ("train.py", "inference.py")
MIB = 1024 * 1024
# As the service has them; said here before anything is sent.
MAX_PACKED_BYTES = 20 * MIB
MAX_BYTES = 200 * MIB
MAX_FILES = 5_000
# ustar splits a longer path at a slash, or not at all.
MAX_PATH_BYTES = 240
# Of no use to a job, and a word changed in them must not make another recipe.
LEFT_OUT = frozenset({"__pycache__", "tests", "README.md"})


class PackedRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe as one tar.gz; ``sha256`` of its bytes is what pipelines name."""

    sha256: str
    content: bytes
    files: tuple[str, ...]


def pack_recipe(folder: Path) -> PackedRecipe:
    """Return the folder as a tarball that says nothing of the machine or the time it was made.

    Raises
    ------
    BadData
        Something is lacking, too large, or not to be packed; the message names it.
    """
    names = {path.relative_to(folder).as_posix(): path for path in _files(folder, folder)}
    _check_scripts(folder, names)
    _check_limits(folder, names)
    content = _pack(names)
    if len(content) > MAX_PACKED_BYTES:
        raise BadData(
            f"{folder} has {len(content) / MIB:.1f} MiB packed; a recipe has at most {MAX_PACKED_BYTES // MIB}"
        )
    return PackedRecipe(
        sha256=hashlib.sha256(content).hexdigest(), content=content, files=tuple(sorted(names))
    )


def push_recipe(api: Api, packed: PackedRecipe) -> bool:
    """Bring the recipe to the stage and return whether it was sent: one that is stored already is not sent again."""
    granted = api.post("recipes", body={"sha256": packed.sha256})
    if granted.get("upload") is None:
        return False
    form = msgspec.convert(granted["upload"], PresignedPost)
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        file = Path(scratch) / "sourcedir.tar.gz"
        file.write_bytes(packed.content)
        answer = post_file(api.transport, form, file, lambda _: None)
    if answer.status >= 300:
        raise storage_failure(answer)
    return True


def _files(folder: Path, root: Path) -> Iterator[Path]:
    """Yield what is to be packed.

    Raises
    ------
    BadData
        A link: what it leads to is not in the folder, or is there twice.
    """
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in LEFT_OUT or path.suffix == ".pyc":
            continue
        if path.is_symlink():
            raise BadData(f"{path.relative_to(root)} is a link; put the file itself into the recipe")
        if path.is_dir():
            yield from _files(path, root)
        elif path.is_file():
            yield path
        else:
            raise BadData(f"{path.relative_to(root)} is no regular file")


def _check_scripts(folder: Path, names: dict[str, Path]) -> None:
    missing = [name for name in ENTRY_SCRIPTS if name not in names]
    if missing:
        raise BadData(
            f"{folder} has no {' and no '.join(missing)}; `headrace init --recipe` writes a template"
        )
    if "requirements.txt" in names:
        raise BadData(
            f"{folder} has a requirements.txt, but jobs run without network: put pure-Python packages into the folder "
            "(`pip install --target`), or name an image of your own in model.image"
        )


def _check_limits(folder: Path, names: dict[str, Path]) -> None:
    if len(names) > MAX_FILES:
        raise BadData(f"{folder} has {len(names):,} files; a recipe has at most {MAX_FILES:,}")
    for name in names:
        if not name.isprintable() or len(name.encode()) > MAX_PATH_BYTES:
            raise BadData(f"{name[:80]!a} cannot be packed: its path is too long or has control characters")
    size = sum(path.stat().st_size for path in names.values())
    if size > MAX_BYTES:
        raise BadData(f"{folder} has {size / MIB:.0f} MiB; a recipe has at most {MAX_BYTES // MIB}")


def _pack(names: dict[str, Path]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, path in sorted(names.items()):
            # TarInfo's defaults are what is wanted: time 0, root's ids, no names.
            entry, body = tarfile.TarInfo(name), path.read_bytes()
            entry.size, entry.mode = len(body), 0o644
            try:
                archive.addfile(entry, io.BytesIO(body))
            except ValueError as error:
                raise BadData(f"{name} cannot be packed: {error}") from error
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)
