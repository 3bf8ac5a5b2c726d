"""Which environment stands for which image on this machine.

`images/<repository>-<tag>`, or of an image that is named by its digest `images/<repository>-sha256-<first 12 digits>`. An
environment is a folder with `bin/python`; an image of one's own also has its `bin/train` and `bin/serve`.
"""

import re
from pathlib import Path
from typing import Final

from localcloud.sagemaker.errors import ClientJobError

# Registry accounts of AWS's prebuilt scikit-learn images differ per region (sagemaker.image_uris
# has the table); any account is accepted here, since only the repository and tag name an image.
_IMAGE_URI: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[A-Za-z0-9._/-]+)(:(?P<tag>[A-Za-z0-9._-]+))?(@sha256:(?P<digest>[0-9a-f]{64}))?"
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
        environment = images / f"{match['repository'].rsplit('/', 1)[-1]}-{_variant(match)}"
        if (environment / "bin" / "python").exists():
            return environment
    known = ", ".join(supported_images(images)) or f"none: no environment in {images}"
    raise ClientJobError(f"Cannot find image {uri} in the local SageMaker. Supported images: {known}.")


def serve_program(environment: Path) -> Path | None:
    """Return the image's own `serve`, None for an image of AWS, whose server stands in `serving/`."""
    program = environment / "bin" / "serve"
    return program if program.is_file() else None


def _variant(match: re.Match[str]) -> str:
    # With a digest a tag says nothing: it is the digest that is pulled.
    if match["digest"]:
        return f"sha256-{match['digest'][:12]}"
    return re.sub(r"-cpu-py3\d*$", "", match["tag"] or "latest")


def supported_images(images: Path) -> list[str]:
    """Return `<repository>:<tag>` or `<repository>@sha256:<12 digits>…` of every image with an environment here."""
    folders = sorted(path.parent.parent.name for path in images.glob("*/bin/python"))
    tagged = (re.fullmatch(r"(.+)-(\d[\w.]*-\d+)", name) for name in folders)
    digested = (re.fullmatch(r"(.+)-sha256-([0-9a-f]{12})", name) for name in folders)
    return [
        *(f"{match[1]}:{match[2]}" for match in tagged if match),
        *(f"{match[1]}@sha256:{match[2]}…" for match in digested if match),
    ]
