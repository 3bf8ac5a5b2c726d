"""Recipes as users write them: the template with another model, and what goes wrong with them."""

import shutil
from pathlib import Path

from headrace.client.recipe_drafting import write_recipe
from tests.clouds import ROOT

CONSTANT = ROOT / "examples" / "constant"


def constant_recipe(folder: Path) -> Path:
    """Write the recipe of examples/constant into a new folder, and return it."""
    write_recipe(folder)
    shutil.copy2(CONSTANT / "model.py", folder)
    return folder


def changed(folder: Path, file: str, old: str, new: str) -> Path:
    """Return the folder with one text in one file replaced."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder
