"""An image of one's own without Docker: an environment as the Dockerfile lays it out, for the local SageMaker and for processes."""

import shutil
from pathlib import Path

from tests.clouds import ROOT

CONTAINER = ROOT / "training_service" / "sagemaker" / "container"
PREBUILT = ROOT / ".venv" / "runtimes" / "sagemaker-scikit-learn-1.9-0"
DIGEST = "0123456789ab" + "c" * 52
URI = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/headrace-recipes@sha256:{DIGEST}"
# A package that the prebuilt image lacks: whoever can import it runs in this image.
EXTRA = "only_in_this_image"


def own_image(images: Path) -> Path:
    """Make the environment that stands for `URI` under *images*: our entry points, the prebuilt image's packages, `EXTRA`."""
    environment = images / f"headrace-recipes-sha256-{DIGEST[:12]}"
    (environment / "bin").mkdir(parents=True)
    shutil.copy2(PREBUILT / "pyvenv.cfg", environment)
    packages = environment / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    (packages / f"{EXTRA}.py").touch()
    (packages / "prebuilt.pth").write_text(
        f"{PREBUILT / 'lib' / 'python3.12' / 'site-packages'}\n", encoding="utf-8"
    )
    (environment / "bin" / "python").symlink_to((PREBUILT / "bin" / "python").resolve())
    for program in ("train", "serve"):
        (environment / "bin" / program).symlink_to(CONTAINER / "bin" / program)
    return environment
