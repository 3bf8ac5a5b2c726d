"""What goes beside the model so that it can be judged, understood, tested and served without this job."""

import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skops

from .artifact import EVALUATION_FILE, finite, write_json
from .card import write_card
from .columns import Columns
from .evaluate import Judged
from .golden import write_golden
from .parameters import Parameters
from .plots import write_plots
from .predictor import load_predictor

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "flask")
CODE_ROOT = Path(__file__).resolve().parents[1]


def pack_model(
    folder: Path, parameters: Parameters, judged: Judged, evaluation: dict[str, Any], samples: Columns
) -> None:
    """Write everything the contract asks for beside `model.skops`.

    Parameters
    ----------
    folder
        Where the model already is; it is loaded from there, so that what is described is what was saved.
    samples
        Rows to take the golden rows from.
    """
    challenger = load_predictor(folder)
    write_json(folder / EVALUATION_FILE, evaluation)
    write_json(folder / "versions.json", describe_versions(parameters))
    write_plots(folder / "plots", judged, challenger, parameters.seed)
    write_golden(folder, samples, parameters.features)
    card = write_card(parameters, finite(evaluation), challenger.signature)
    (folder / "card.md").write_text(card, encoding="utf-8")
    copy_code(folder / "code")


def describe_versions(parameters: Parameters) -> dict[str, Any]:
    """Return what this job ran with: with the tarball and the image, enough to do it again."""
    packages = {name: version(name) for name in PACKAGES}
    return {
        "format": 1,
        "family": "tabular",
        "python": platform.python_version(),
        # Vendored, so the installer's records do not know it.
        "packages": {**packages, "skops": skops.__version__},
        "seed": parameters.seed,
    }


def copy_code(target: Path) -> None:
    """Pack what serves the model: `inference.py`, this package and skops."""
    # Bytecode names the folder it was made in: it would make equal models differ.
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "tests")
    for package in (CODE_ROOT / "tabular", Path(skops.__file__).parent):
        shutil.copytree(package, target / package.name, ignore=ignored, dirs_exist_ok=True)
    shutil.copy2(CODE_ROOT / "inference.py", target / "inference.py")
