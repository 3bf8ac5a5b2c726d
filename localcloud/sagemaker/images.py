"""Which environment stands for which image: `images/<repository>-<tag>` on this machine."""

import re
from pathlib import Path
from typing import Final

from localcloud.sagemaker.errors import ClientJobError

# Registry accounts of AWS's prebuilt scikit-learn images differ per region (sagemaker.image_uris
# has the table); any account is accepted here, since only the repository and tag name an image.
_IMAGE_URI: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[A-Za-z0-9._/-]+):(?P<tag>[A-Za-z0-9._-]+)"
)


def resolve_image(images: Path, uri: str) -> Path:
    """Return the environment folder for an image URI; `-cpu-py3` in a tag names the same image.

    Raises
    ------
    ClientJobError
        No environment stands for that image; the message lists those that exist.
    """
    match = _IMAGE_URI.fullmatch(uri)
    if match:
        tag = re.sub(r"-cpu-py3\d*$", "", match["tag"])
        environment = images / f"{match['repository'].rsplit('/', 1)[-1]}-{tag}"
        if (environment / "bin" / "python").exists():
            return environment
    known = ", ".join(supported_images(images)) or f"none: no environment in {images}"
    raise ClientJobError(f"Cannot find image {uri} in the local SageMaker. Supported images: {known}.")


def supported_images(images: Path) -> list[str]:
    """Return `<repository>:<tag>` of every image with an environment here."""
    folders = sorted(path.parent.parent.name for path in images.glob("*/bin/python"))
    matches = (re.fullmatch(r"(.+)-(\d[\w.]*-\d+)", name) for name in folders)
    return [f"{match[1]}:{match[2]}" for match in matches if match]
