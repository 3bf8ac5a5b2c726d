"""The JSON lines reader (``.jsonl``, ``.ndjson``): one object per line, its keys are the columns.

What is promised:

- The columns are the keys of the lines within the first 8 MiB of text, in order of first appearance. A key that
  only a later line has is never lost in silence: the line is malformed, ``unknown field 'x'`` (keys that
  ``data.drop`` names are passed over). A key that a line lacks is an empty cell.
- Numbers keep every digit, true and false are ``true`` and ``false``; null and ``""`` both are empty cells, as
  in tables. Strings that are quoted are declared text (``"007"`` stays so), unless most could be dates.
- Malformed: what is no JSON object, a key twice, a nested value, half a surrogate pair, NUL, over 1,000,000 bytes.
- Blank lines are passed over and not counted. The text is UTF-8, as RFC 8259 says, whatever ``data.encoding``.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.column_names import check_names
from chalicelib.ingest.formats.compression import is_small
from chalicelib.ingest.formats.encoding import encoding_of, to_utf8
from chalicelib.ingest.formats.feed import Feed
from chalicelib.ingest.formats.json_lines_columns import read_keys
from chalicelib.ingest.formats.json_lines_rows import MAX_LINE_BYTES, Cutter, MalformedLine
from chalicelib.ingest.formats.reader import Limits, Source
from chalicelib.ingest.formats.row_pipe import RowLog, piped, query_of_rows
from chalicelib.ingest.formats.stretches import TOGETHER, Stretches
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data

KEYS_BYTES = 8 << 20
SAMPLE_BYTES = 1 << 20
_NATIVE = frozenset({"integer", "number", "boolean"})
BLOCK_BYTES = 1 << 14  # one odd line sends its whole block the slow way
# Escapes never grow in CSV, but 1,000 cells of "null" do.
_CSV_LINE_BYTES = 2 * MAX_LINE_BYTES


class JsonLines:
    """Reads one file of JSON lines; see :class:`~chalicelib.ingest.formats.reader.Reader`."""

    first_row = 1
    decimal_comma = False

    def __init__(self, source: Source, data: Data, limits: Limits) -> None:
        self._source, self._limits = source, limits
        self.is_small = is_small(source)
        self._feed = Feed(source, limits)
        self._head = _read_head(self._text(self._feed))
        keys = read_keys(self._head)
        if not keys.names:
            raise _no_object(self._head)
        self.columns = tuple(key.strip() for key in keys.names)
        check_names(self.columns)
        self.declared: Mapping[str, str] = {key.strip(): "string" for key in keys.names if key in keys.texts}
        self.native: Mapping[str, frozenset[str]] = {
            key.strip(): _NATIVE for key in keys.names if key not in keys.texts
        }
        self._cutter = Cutter(keys.names, data.drop)

    @property
    def sha256(self) -> str:
        """SHA-256 of the raw object's bytes, in hex."""
        return self._feed.sha256

    @property
    def size_bytes(self) -> int:
        """The raw object's bytes that have arrived."""
        return self._feed.size_bytes

    def sample(self, scratch: Scratch) -> str:
        """Return a query of the good rows within the first MiB."""
        path, taken = scratch.folder / "sample.csv", 0
        with path.open("wb") as rows:
            for line in self._head:
                taken += len(line)
                if taken > SAMPLE_BYTES:
                    break
                with contextlib.suppress(MalformedLine):
                    rows.write(self._cutter.cut(line) + b"\n")
        return query_of_rows([path], len(self.columns), _CSV_LINE_BYTES)

    def rows(self, scratch: Scratch) -> AbstractContextManager[Iterator[str]]:
        """Read the source once, cutting its lines beside the block."""
        self._feed = Feed(self._source, self._limits)
        return piped(
            scratch,
            lambda log: Stretches(self._produce(log), len),  # only whole rows are produced
            together=TOGETHER,
            width=len(self.columns),
            first_row=self.first_row,
            max_line_bytes=_CSV_LINE_BYTES,
        )

    def accepted(self, scratch: Scratch, staged: str) -> int:
        """Return the rows of *staged*: all are the file's own."""
        return int(scratch.row(f"SELECT count(*) FROM {staged}")[0])  # noqa: S608 - our own name

    def _text(self, feed: Feed) -> Iterator[bytes]:
        """Yield the content, proved to be UTF-8, without a mark."""
        chunks = feed.chunks()
        first = next(chunks, b"")
        yield from to_utf8(_chain(first, chunks), encoding_of(first, "utf-8"))

    def _produce(self, log: RowLog) -> Iterator[bytes]:
        for block in split_blocks(self._text(self._feed)):
            plain = self._cutter.cut_block(block)
            yield self._cut(_lines(block), log) if plain is None else log.accept(plain)

    def _cut(self, lines: Iterable[bytes], log: RowLog) -> bytes:
        """Return the CSV of the good *lines*; the others go to *log*, each at its place."""
        cut, good = self._cutter.cut, []
        for line in lines:
            try:
                good.append(cut(line))
            except MalformedLine as error:
                log.reject(str(error), line[:400].decode(errors="replace"), ahead=len(good))
        return log.accept(good)


def split_blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines of *chunks*, about 16 KiB at a time, without the last break; of a too long one the start."""
    held = b""
    for chunk in chunks:
        text, at = held + chunk, 0
        while (end := text.find(b"\n", at + BLOCK_BYTES)) >= 0:
            yield text[at:end]
            at = end + 1
        end = text.rfind(b"\n", at)
        if end >= 0:
            yield text[at:end]
            at = end + 1
        # Enough to be refused as too long; the rest of the line is not kept.
        held = text[at : at + MAX_LINE_BYTES + 2]
    yield held


def _lines(block: bytes) -> list[bytes]:
    """Return the lines of *block* that are not blank."""
    return [line for line in block.split(b"\n") if line and not line.isspace()]


def _read_head(chunks: Iterator[bytes]) -> list[bytes]:
    """Return the lines that end within the first 8 MiB."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        # One piece more than that: a bomb is refused by then, before anybody looks at its lines.
        if len(head) > KEYS_BYTES:
            end = head.rfind(b"\n", 0, KEYS_BYTES)
            if end < 0:
                raise rejection("line_too_long", f"Line 1 has more than {KEYS_BYTES:,} bytes.")
            del head[end + 1 :]
            break
    return _lines(bytes(head))


def _no_object(head: list[bytes]) -> Exception:
    """Return the rejection of a file none of whose first lines is an object."""
    if not head:
        return rejection("empty_file", "The file has no bytes, or only blank lines.")
    if head[0].lstrip().startswith(b"["):
        problem = "The file is one JSON array; write each of its objects on a line of its own"
    else:
        problem = f"Line 1 is no JSON object of one line: {head[0][:40].decode(errors='replace')!r}"
    return rejection(
        "not_json_lines", f"{problem} (`jq -c '.[]' data.json > data.jsonl` does so for an array)."
    )


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
