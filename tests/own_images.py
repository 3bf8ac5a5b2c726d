"""An image of one's own without Docker: an environment as the Dockerfile lays it out, for the local SageMaker and for processes."""

import shutil
from pathlib import Path

from tests.clouds import ROOT

CONTAINER = ROOT / "training_service" / "sagemaker" / "container"
PREBUILT = ROOT / ".venv" / "runtimes" / "sagemaker-scikit-learn-1.9-0"
DIGEST = "0123456789ab" + "c" * 52
URI = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/recipes@sha256:{DIGEST}"


def own_image(images: Path) -> Path:
    """Make the environment that stands for `URI` under *images*: our entry points, the prebuilt image's packages."""
    environment = images / f"recipes-sha256-{DIGEST[:12]}"
    (environment / "bin").mkdir(parents=True)
    shutil.copy2(PREBUILT / "pyvenv.cfg", environment)
    (environment / "lib").symlink_to(PREBUILT / "lib")
    (environment / "bin" / "python").symlink_to((PREBUILT / "bin" / "python").resolve())
    for program in ("train", "serve"):
        (environment / "bin" / program).symlink_to(CONTAINER / "bin" / program)
    return environment
