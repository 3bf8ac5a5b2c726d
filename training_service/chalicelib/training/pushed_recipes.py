"""Users' own recipes: where their tarballs come in, and what one must be before SageMaker unpacks it.

A recipe is named by the SHA-256 of its bytes. Whoever pushes says that hash first and gets leave to write exactly
that key; what arrived is hashed and looked through before a job uses it.
"""

import base64
import hashlib
import tarfile
import tempfile
from datetime import timedelta
from typing import IO

from chalicelib.training.archive import BadArtifact, checked_files, chunks_of
from chalicelib.training.views import PushedRecipe, RecipeForm

from shared.clock import Clock, to_text
from shared.errors import HeadraceError, NotFound
from shared.objects import Bucket

# Code and a few vendored packages; a model's weights are data, not part of a recipe.
MAX_RECIPE_BYTES = 20 * 1024 * 1024
FORM_EXPIRES = timedelta(minutes=5)
ENTRY_SCRIPTS = ("train.py", "inference.py")
_WHAT = "the recipe"


class BadRecipe(HeadraceError):
    """A job cannot run its recipe; the row of the job tells why."""


def recipe_key(sha256: str) -> str:
    """Return the key of a recipe's tarball in the models bucket, ours and users' alike."""
    return f"code/{sha256}/sourcedir.tar.gz"


def permit_push(models: Bucket, sha256: str, clock: Clock) -> PushedRecipe:
    """Return a form that writes the recipe of that hash and nothing else; none where it is stored already."""
    key = recipe_key(sha256)
    checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
    if _stored_checksum(models, key) == checksum:
        return PushedRecipe(recipe=sha256, upload=None, expires_at=None, max_bytes=MAX_RECIPE_BYTES)
    # S3 compares the checksum with what arrives: under a recipe's name there can be no other bytes.
    form = models.presign_post(
        key,
        max_bytes=MAX_RECIPE_BYTES,
        expires_s=int(FORM_EXPIRES.total_seconds()),
        checksum_sha256=checksum,
    )
    return PushedRecipe(
        recipe=sha256,
        upload=RecipeForm(url=form["url"], fields=form["fields"]),
        expires_at=to_text(clock() + FORM_EXPIRES),
        max_bytes=MAX_RECIPE_BYTES,
    )


def _stored_checksum(models: Bucket, key: str) -> str | None:
    try:
        return models.head(key).checksum_sha256
    except NotFound:
        return None


def check_pushed(models: Bucket, sha256: str) -> None:
    """Refuse a recipe that is not there, not the bytes it is named by, or that no job could start.

    Raises
    ------
    BadRecipe
        With a sentence for whoever wrote it.
    """
    with tempfile.TemporaryFile() as tarball:
        if _fetch(models, sha256, tarball) != sha256:
            raise BadRecipe(f"what is stored as {sha256[:12]}… has other bytes; push the folder again")
        _check_files(_names_in(tarball))


def _fetch(models: Bucket, sha256: str, into: IO[bytes]) -> str:
    """Copy the tarball into a file and return the hash of what came."""
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in chunks_of(models, recipe_key(sha256)):
            size += len(chunk)
            if size > MAX_RECIPE_BYTES:
                raise BadRecipe(f"it is larger than {MAX_RECIPE_BYTES // 2**20} MiB")
            digest.update(chunk)
            into.write(chunk)
    except NotFound:
        pushed = "push its folder with `headrace recipes push`, then retry the job"
        raise BadRecipe(f"no recipe {sha256[:12]}… is stored in this stage; {pushed}") from None
    into.seek(0)
    return digest.hexdigest()


def _names_in(tarball: IO[bytes]) -> set[str]:
    try:
        with tarfile.open(fileobj=tarball, mode="r|gz") as members:
            return {name for name, _ in checked_files(members, _WHAT)}
    except BadArtifact as error:
        raise BadRecipe(str(error)) from error
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BadRecipe(f"it is no tar.gz: {error}") from error


def _check_files(names: set[str]) -> None:
    missing = [name for name in ENTRY_SCRIPTS if name not in names]
    if missing:
        raise BadRecipe(f"it has no {' and no '.join(missing)} at its top")
    if "requirements.txt" in names:
        raise BadRecipe(
            "it has a requirements.txt, but jobs run without network: copy pure-Python packages into the "
            "folder, or name an image of your own in model.image"
        )
