"""The model on disk: `model.skops`, read back only when every type in it is known to be harmless.

Nothing is ever unpickled. skops itself trusts scikit-learn's and numpy's plain types; `TRUSTED_TYPES` adds
exactly what boosting needs beyond those, and any other type in a file refuses the whole file. A family that needs
more names it when it loads.
"""

import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skops.io as sio
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from .failure import ModelRefusedError
from .reproducible import dump_canonical

MODEL_FILE = "model.skops"
SIGNATURE_FILE = "signature.json"
EVALUATION_FILE = "evaluation.json"
SEEN_FILE = "seen_rows.npy"
TRUSTED_TYPES = ["numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
MAX_MODEL_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 20_000


def save_pipeline(pipeline: Pipeline, folder: Path, name: str = MODEL_FILE) -> None:
    """Write the fitted pipeline without pickle, compressed; equal pipelines give equal bytes."""
    (folder / name).write_bytes(dump_canonical(pipeline))


def load_pipeline(content: bytes, trusted: Sequence[str] = TRUSTED_TYPES) -> Pipeline:
    """Rebuild a pipeline from the bytes of `model.skops`.

    Raises
    ------
    ModelRefusedError
        The file is no skops file, unpacks to more than `MAX_MODEL_BYTES`, or holds a type off the list.
    """
    _check_size(content)
    try:
        model = sio.loads(content, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        found = ", ".join(sorted(set(sio.get_untrusted_types(data=content)) - set(trusted)))
        raise ModelRefusedError(f"The model holds types that are not trusted: {found}.") from error
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        ImportError,
    ) as error:
        raise ModelRefusedError(f"The model cannot be read: {error}") from error
    if not isinstance(model, Pipeline):
        raise ModelRefusedError(f"The model is a {type(model).__name__}, not a Pipeline.")
    return model


def _check_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ModelRefusedError("The model is not a skops file.") from error
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_MODEL_BYTES:
        raise ModelRefusedError(
            f"The model unpacks to {len(entries)} entries and {unpacked} bytes: too large."
        )


def read_members(archive: Path, names: set[str]) -> dict[str, bytes]:
    """Return the named plain files of a model.tar.gz; nothing is written to disk, so no path can escape."""
    found: dict[str, bytes] = {}
    unpacked = 0
    try:
        with tarfile.open(archive, "r:gz") as members:
            for position, member in enumerate(members):
                name = member.name.removeprefix("./")
                unpacked += member.size
                if position >= MAX_ENTRIES or unpacked > MAX_MODEL_BYTES:
                    raise ModelRefusedError(f"The archive {archive.name} is too large at '{name[:80]}'.")
                content = members.extractfile(member) if name in names and member.isfile() else None
                if content is not None:
                    found[name] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelRefusedError(f"The archive {archive.name} cannot be read: {error}") from error
    return found


def load_hashes(content: bytes) -> npt.NDArray[np.uint64]:
    """Read `seen_rows.npy`, which may hold nothing but numbers."""
    try:
        hashes = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelRefusedError(f"{SEEN_FILE} cannot be read: {error}") from error
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise ModelRefusedError(f"{SEEN_FILE} holds {hashes.dtype}, not a list of uint64.")
    return np.sort(hashes)


def write_json(path: Path, document: object) -> None:
    """Write JSON that any parser reads: what is not finite becomes null."""
    path.write_text(json.dumps(finite(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def finite(value: Any) -> Any:
    """Return the value with every NaN and infinity, at any depth, as None."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
