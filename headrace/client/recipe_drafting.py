"""A recipe folder to begin with."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from headrace.failures import Failure

_PACKAGE, _TEMPLATE = "headrace.client", "recipe_template"


def write_recipe(folder: Path) -> list[str]:
    """Write the template into *folder* and return the names of its files.

    Raises
    ------
    Failure
        There is something in the folder already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Failure(f"{folder} exists already: name a folder that is empty or not there")
    return _copy(files(_PACKAGE).joinpath(_TEMPLATE), folder, "")


def _copy(source: Traversable, target: Path, prefix: str) -> list[str]:
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for entry in sorted(source.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            written += _copy(entry, target / entry.name, f"{prefix}{entry.name}/")
        elif entry.is_file():
            (target / entry.name).write_bytes(entry.read_bytes())
            written.append(prefix + entry.name)
    return written
