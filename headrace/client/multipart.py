"""A large upload at the service: begun, asked about, completed. Its parts go to S3 by presigned addresses."""

from collections.abc import Iterable

import msgspec

from headrace.client.api import Api, Json
from headrace.client.parts import Part


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that the service knows; the names are those of its answer."""

    upload_id: str
    part_size_bytes: int
    part_count: int


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A part that S3 has."""

    number: int
    etag: str
    sha256: str
    size_bytes: int = 0


class PresignedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Where to PUT one part, and with which headers: among them its hash, so that S3 refuses other bytes."""

    url: str
    headers: dict[str, str]


class MultipartUpload:
    """The routes of one upload."""

    def __init__(self, api: Api, pipeline: str, filename: str, begun: Begun) -> None:
        self.api = api
        self.begun = begun
        self._filename = filename
        self._path = ("datasets", pipeline, "uploads", begun.upload_id)

    def find_arrived(self) -> dict[int, Arrived] | None:
        """Return the parts that arrived, by number; None when the upload is unknown, over or too old."""
        answer = self.api.find(*self._path, filename=self._filename)
        if answer is None:
            return None
        return {part.number: part for part in msgspec.convert(answer["parts"], list[Arrived])}

    def permit(self, part: Part, sha256: str) -> PresignedPart:
        """Return where the part may be sent to during the next minutes."""
        wanted = [{"number": part.number, "sha256": sha256}]
        answer = self.api.ask(*self._path, "parts", body={"filename": self._filename, "parts": wanted})
        return msgspec.convert(answer["parts"][0], PresignedPart)

    def complete(self, parts: Iterable[Arrived], size_bytes: int) -> Json:
        """Make the parts one object; return its key and the dataset version it becomes. May be repeated.

        Raises
        ------
        Conflict
            S3 does not have the parts as they are named.
        """
        named = [{"number": part.number, "etag": part.etag, "sha256": part.sha256} for part in parts]
        body = {"filename": self._filename, "size_bytes": size_bytes, "parts": named}
        return self.api.ask(*self._path, "complete", body=body)

    def abort(self) -> None:
        """Throw the parts away."""
        self.api.delete(*self._path, filename=self._filename)
