"""Digests of files and folders, to tell whether anything changed since the last deployment."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

# Made by tools, different from machine to machine, and never part of what is deployed.
IGNORED = {"__pycache__", ".chalice", ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def digest_of(*places: Path) -> str:
    """Return one SHA-256 over names and bytes of all files in *places*, symbolic links followed.

    Places that do not exist count as empty; the order of the places does not matter, their names do.
    """
    digest = hashlib.sha256()
    for place in sorted(places):
        for name, path in sorted(_files(place)):
            content = path.read_bytes()
            digest.update(f"{place.name}/{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the relative name and path of each file that counts, symbolic links to folders followed."""
    for entry in sorted(folder.iterdir()):
        if entry.name in IGNORED or entry.suffix in {".pyc", ".pyo"}:
            continue
        if entry.is_dir():
            for name, path in files_of(entry):
                yield f"{entry.name}/{name}", path
        elif entry.is_file():
            yield entry.name, entry


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield "", place
    elif place.is_dir():
        yield from files_of(place)
