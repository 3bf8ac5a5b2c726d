"""Adapter: the ``model.tar.gz`` a training job left, read as a stream and never unpacked to disk."""

import hashlib
import tarfile
from collections.abc import Iterator
from typing import IO

import msgspec

from shared.errors import HeadraceError
from shared.objects import Bucket

MAX_PACKED_BYTES = 400 * 1024 * 1024  # Lambda's /tmp has 512 MB
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
# Against archives that are small only while they are packed.
MAX_ENTRIES = 20_000
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
REQUIRED = ("signature.json", "versions.json", "evaluation.json", "golden.jsonl", "card.md")
# What an endpoint imports; read by nobody here.
SERVED = "code/inference.py"
# No model version needs them: latencies are missing of older ones, ONNX where it was not asked for or failed its test.
OPTIONAL = ("serving.json", "model.onnx")
_CHUNK = 1024 * 1024
# How pickles of protocols 2 to 5 begin, joblib's too; older ones have no mark but their usual names.
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".dill")


class BadArtifact(HeadraceError):
    """The archive a training job left cannot become a model version; trying again would not mend it.

    Never an HTTP answer: it ends the job, whose row tells the reason.
    """


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The archive's hash and size; its bytes are in the file it was fetched into."""

    sha256: str
    size_bytes: int


def fetch(bucket: Bucket, key: str, into: IO[bytes]) -> Fetched:
    """Copy the object into a file, hashing it on the way.

    Raises
    ------
    BadArtifact
        It is larger than 400 MiB.
    """
    digest, size = hashlib.sha256(), 0
    for chunk in chunks_of(bucket, key):
        size += len(chunk)
        if size > MAX_PACKED_BYTES:
            raise BadArtifact(f"model.tar.gz is larger than {MAX_PACKED_BYTES} bytes; make the model smaller")
        digest.update(chunk)
        into.write(chunk)
    into.seek(0)
    return Fetched(sha256=digest.hexdigest(), size_bytes=size)


def chunks_of(bucket: Bucket, key: str) -> Iterator[bytes]:
    """Yield the object's bytes, a MiB at a time."""
    stream = bucket.open(key)
    try:
        while chunk := stream.read(_CHUNK):
            yield chunk
    finally:
        stream.close()


def read_documents(archive: IO[bytes], required: tuple[str, ...] = (*REQUIRED, SERVED)) -> dict[str, bytes]:
    """Return the documents beside the model by name: those of a model version and ``plots/*.vl.json``.

    Raises
    ------
    BadArtifact
        Not a tar.gz, a path that leaves its folder, a link, too many or too large entries, a document missing.
    """
    documents: dict[str, bytes] = {}
    names: set[str] = set()
    try:
        # "r|gz" reads forward only: nothing is sought, so nothing has to be unpacked.
        with tarfile.open(fileobj=archive, mode="r|gz") as members:
            for name, member in checked_files(members):
                content = members.extractfile(member)
                if content is None:
                    continue
                names.add(name)
                start = content.read(len(_PICKLES[0]))
                _refuse_pickle(name, start)
                if _is_document(name):
                    documents[name] = _read(name, start, content)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BadArtifact(f"model.tar.gz cannot be read: {error}") from error
    missing = [name for name in required if name not in names]
    if missing:
        raise BadArtifact(f"model.tar.gz lacks {', '.join(missing)}; the recipe must write them")
    return documents


def hash_members_of(archive: IO[bytes]) -> dict[str, str]:
    """Return the SHA-256 of every file in the archive by its path; refuses what :func:`read_documents` refuses."""
    hashes: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as members:
            for name, member in checked_files(members):
                content = members.extractfile(member)
                if content is not None:
                    hashes[name] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BadArtifact(f"model.tar.gz cannot be read: {error}") from error
    return hashes


def checked_files(
    members: tarfile.TarFile, what: str = "model.tar.gz"
) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield the plain files, judging each header before its bytes are read; anything else is a ``BadArtifact``."""
    unpacked = 0
    for position, member in enumerate(members):
        unpacked += member.size
        # A header is a few bytes and may promise terabytes: refuse before going on to the next.
        if position >= MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
            raise BadArtifact(f"{what} is too large at entry {position}, {unpacked} bytes unpacked")
        name = _checked_name(member, what)
        if member.isfile():
            yield name, member


def _checked_name(member: tarfile.TarInfo, what: str) -> str:
    """Return the path inside the model's folder; the archive will be unpacked by others who trust us."""
    name = member.name.removeprefix("./")
    if name.startswith("/") or ".." in name.split("/"):
        raise BadArtifact(f"{what} has the path {name[:80]!r}, which leaves its folder")
    if not (member.isfile() or member.isdir()):
        raise BadArtifact(f"{what} has {name[:80]!r}, which is neither a file nor a folder")
    return name


def _is_document(name: str) -> bool:
    folder, _, plain = name.rpartition("/")
    return name in (*REQUIRED, *OPTIONAL) or (folder == "plots" and plain.endswith(".vl.json"))


def _refuse_pickle(name: str, start: bytes) -> None:
    """Refuse what would run code when it is read: nothing of ours reads it, but somebody may."""
    if name.endswith(_PICKLE_NAMES) or start in _PICKLES:
        raise BadArtifact(
            f"model.tar.gz has {name[:80]!r}, which is a pickle: whoever reads one runs what is in it. "
            "Write the model with skops, safetensors or as ONNX"
        )


def _read(name: str, start: bytes, content: IO[bytes]) -> bytes:
    # One byte more than allowed tells "too large" from "exactly as large".
    body = start + content.read(MAX_DOCUMENT_BYTES + 1 - len(start))
    if len(body) > MAX_DOCUMENT_BYTES:
        raise BadArtifact(f"{name} in model.tar.gz is larger than {MAX_DOCUMENT_BYTES} bytes")
    return body
