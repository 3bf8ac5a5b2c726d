"""The reader of pictures: one ``.zip`` with a folder per label, ``label/name``, or one folder around all of those.

Every file is one row, in the order of the zip's directory: its name, label, format, width, height, the SHA-256 of
its bytes, and the bytes themselves as base64 text. PNG, JPEG, WebP, GIF (its first picture) and BMP are read, each
decoded once as proof. A file that is no such picture, too large, damaged, not in a label's folder or there twice is
a malformed row under its name. Folders, hidden files and what systems leave behind (``__MACOSX``, ``Thumbs.db``)
are no rows; ``ignored`` counts those files. A zip made to harm is rejected as a whole.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.compression import check_size
from chalicelib.ingest.formats.images_archive import Archive, DamagedMember, Member
from chalicelib.ingest.formats.images_pictures import BadPicture, check_picture
from chalicelib.ingest.formats.local_copy import LocalCopy
from chalicelib.ingest.formats.reader import Limits, Source
from chalicelib.ingest.formats.row_pipe import RowLog, piped, query_of_rows, quoted

from shared.entities.pipeline import Data

MAX_PICTURE_BYTES = 10 << 20
SAMPLE_BYTES = 1 << 20
# What DuckDB holds of pictures at a time; it works on 2,048 rows otherwise, whatever their size.
PART_BYTES = 4 << 20
PART_ROWS = 500
PARTS_TOGETHER = 64
_TYPES = {
    "name": "string",
    "label": "string",
    "format": "string",
    "width": "integer",
    "height": "integer",
    "sha256": "string",
    "image": "binary",
}
_OTHER_CELLS_BYTES = 1 << 18  # names have at most 64 KiB, twice of them quotes at worst


class Images:
    """Reads one zip of pictures; see :class:`~chalicelib.ingest.formats.reader.Reader`."""

    first_row = 1
    decimal_comma = False
    is_small = False
    columns = tuple(_TYPES)

    def __init__(self, source: Source, data: Data, limits: Limits) -> None:
        self._copy = LocalCopy(source, limits)
        self.sha256, self.size_bytes = self._copy.sha256, self._copy.size_bytes
        self._archive = Archive(self._copy.file, self._copy.content_bytes)
        check_size(self._archive.inflated_bytes, limits)
        self.ignored = self._archive.ignored
        self.declared: Mapping[str, str] = dict(_TYPES)
        self.native: Mapping[str, frozenset[str]] = {}
        self._parts = tuple(_parts(self._archive.members))
        largest = max(min(member.info.file_size, MAX_PICTURE_BYTES) for member in self._archive.members)
        self._line_bytes = largest * 4 // 3 + _OTHER_CELLS_BYTES

    def sample(self, scratch: Scratch) -> str:
        """Return a query of the first good pictures: one at least, up to about 1 MiB of text."""
        path, taken = scratch.folder / "sample.csv", 0
        with path.open("wb") as rows:
            for member in self._archive.members:
                try:
                    taken += rows.write(self._row(member) + b"\n")
                except (BadPicture, DamagedMember):
                    continue
                if taken > SAMPLE_BYTES:
                    break
        return query_of_rows([path], len(self.columns), self._line_bytes)

    def rows(self, scratch: Scratch) -> AbstractContextManager[Iterator[str]]:
        """Read the pictures of the local copy beside the block, one at a time."""
        return piped(
            scratch,
            lambda log: (partial(self._produce, part, log) for part in self._parts),
            together=PARTS_TOGETHER,
            width=len(self.columns),
            first_row=self.first_row,
            max_line_bytes=self._line_bytes,
        )

    def accepted(self, scratch: Scratch, staged: str) -> int:
        """Return the rows of *staged*: all are the file's own."""
        return int(scratch.row(f"SELECT count(*) FROM {staged}")[0])  # noqa: S608 - our own name

    def _produce(self, members: Iterable[Member], log: RowLog) -> Iterator[bytes]:
        for member in members:
            try:
                yield log.accept([self._row(member)])
            except (BadPicture, DamagedMember) as error:
                log.reject(str(error), member.name)

    def _row(self, member: Member) -> bytes:
        """Return one line of CSV, without its break."""
        if member.label is None:
            raise DamagedMember("not in a folder that is its label")
        if member.is_repeated:
            raise DamagedMember("a name that occurs twice")
        if member.info.file_size > MAX_PICTURE_BYTES:
            raise DamagedMember(f"more than {MAX_PICTURE_BYTES:,} bytes")
        data = self._archive.read(member)
        picture = check_picture(data)
        sides = f"{picture.width},{picture.height},{hashlib.sha256(data).hexdigest()},"
        texts = b",".join([quoted(member.name), quoted(member.label), picture.format.encode()])
        return b"".join([texts, b",", sides.encode(), base64.b64encode(data)])


def _parts(members: tuple[Member, ...]) -> Iterator[tuple[Member, ...]]:
    """Cut *members* into runs of about 4 MiB."""
    part: list[Member] = []
    held = 0
    for member in members:
        part.append(member)
        held += member.info.file_size
        if held >= PART_BYTES or len(part) >= PART_ROWS:
            yield tuple(part)
            part, held = [], 0
    if part:
        yield tuple(part)
