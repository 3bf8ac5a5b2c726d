"""What goes beside the model so that it can be judged, understood, tested and served without this job."""

import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skops

from .artifact import EVALUATION_FILE, finite, write_json
from .card import write_card
from .golden import write_golden
from .parameters import Parameters
from .serving import Serving

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "flask")
SHARED = Path(__file__).resolve().parent


def pack_model(
    folder: Path,
    family: tuple[str, Serving, Any],
    parameters: Parameters,
    evaluation: dict[str, Any],
    samples: Sequence[dict[str, Any]],
) -> None:
    """Write everything but the plots that the contract asks for beside the model's own files.

    Parameters
    ----------
    folder
        Where the model already is.
    family
        The family's name, which is also its package's, how its models are served, and the model as it was loaded from
        the folder, so that what is described is what was saved.
    samples
        Records for the golden rows.
    """
    name, serving, model = family
    write_json(folder / EVALUATION_FILE, evaluation)
    write_json(folder / "versions.json", describe_versions(name, parameters))
    write_golden(folder, serving, model, samples)
    card = write_card(parameters, finite(evaluation), model.signature)
    (folder / "card.md").write_text(card, encoding="utf-8")
    copy_code(folder / "code", name)


def write_plots(folder: Path, specs: Mapping[str, dict[str, Any]]) -> None:
    """Write `plots/<name>.vl.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, spec in specs.items():
        write_json(folder / f"{name}.vl.json", spec)


def describe_versions(family: str, parameters: Parameters) -> dict[str, Any]:
    """Return what this job ran with: with the tarball and the image, enough to do it again."""
    packages = {name: version(name) for name in PACKAGES}
    return {
        "format": 1,
        "family": family,
        "python": platform.python_version(),
        # Vendored, so the installer's records do not know it.
        "packages": {**packages, "skops": skops.__version__},
        "seed": parameters.seed,
    }


def copy_code(target: Path, family: str) -> None:
    """Pack what serves the model: `inference.py`, the family's package, this one and skops."""
    # Bytecode names the folder it was made in: it would make equal models differ.
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "tests")
    own = Path(import_module(family).__path__[0])
    for package in (own, SHARED, Path(skops.__file__).parent):
        shutil.copytree(package, target / package.name, ignore=ignored, dirs_exist_ok=True)
    shutil.copy2(own.with_name("inference.py"), target / "inference.py")
