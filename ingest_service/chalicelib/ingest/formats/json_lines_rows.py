"""Cut lines of JSON into cells whose texts are as the file writes them: every digit of a number arrives."""

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.ingest.formats.row_pipe import ABSENT, quoted
from msgspec import Raw

MAX_LINE_BYTES = 1_000_000
_MISSING = Raw(ABSENT)  # compared by identity
_decode_text = msgspec.json.Decoder(str).decode
# Lists, breaks of Windows, and the byte that stands for a key that is not there.
_NOT_PLAIN = re.compile(rb"[\[\r" + re.escape(ABSENT) + rb"]")
_UNKNOWN = re.compile("unknown field `(.*?)`", re.DOTALL)


class MalformedLine(Exception):
    """The line is no row; the message is the rule that it breaks."""


class Cutter:
    """Cuts one object into the cells of *keys*, in their order; the keys in *dropped* may hold anything."""

    def __init__(self, keys: Sequence[str], dropped: Sequence[str] = ()) -> None:
        self._dropped = [key in dropped for key in keys]
        # Keys that only later lines have are read too where they are dropped anyhow.
        extra = [key for key in dropped if key not in keys]
        self._keys = (*keys, *extra)
        row_type = _type_of(self._keys)
        self._decode = msgspec.json.Decoder(row_type).decode
        self._width, self._all = len(keys), len(self._keys)
        is_plain = row_type != dict[str, Raw] and not extra
        self._decode_all = msgspec.json.Decoder(list[row_type]).decode if is_plain else None  # type: ignore[valid-type]

    def cut_block(self, block: bytes) -> list[bytes] | None:
        """Return the lines of CSV for *block*, some lines joined by line feeds, all at once; None: go line by line.

        Where every brace stands at the end of a line, each line is one object, or no JSON. A string without
        escapes is a quoted CSV cell already, and numbers, true and false need no quotes: the values are only
        cut and joined again. Those of a line that has escapes are looked at one by one.
        """
        lines = block.count(b"\n") + 1
        if self._decode_all is None or not _is_plain(block, lines):
            return None
        try:
            rows = self._decode_all(b"[" + block.replace(b"}\n{", b"},\n{") + b"]")
            values = list(map(msgspec.structs.astuple, rows))
            cut = list(map(b",".join, values))
            joined = b"\n".join(cut)
            # A key that occurs twice, which the decoder passes over, is told by the quotes that are left over.
            keys = self._all * lines - joined.count(ABSENT)
            if block.count(b'"') - joined.count(b'"') != 2 * keys:
                return None
            return _without_escapes(cut, values) if b"\\" in joined else cut
        except (msgspec.MsgspecError, UnicodeDecodeError, MalformedLine):
            return None

    def cut(self, line: bytes) -> bytes:
        """Return the line of CSV for *line*, one JSON object.

        Raises
        ------
        MalformedLine
            Which rule it breaks.
        """
        if len(line) > MAX_LINE_BYTES:
            raise MalformedLine(f"longer than {MAX_LINE_BYTES:,} bytes")
        values = self._values(line)
        self._refuse_duplicates(line, values)
        cells = zip(values[: self._width], self._dropped, strict=True)
        return b",".join([_cell(bytes(value), is_dropped=dropped) for value, dropped in cells])

    def _values(self, line: bytes) -> tuple[Raw, ...]:
        try:
            row = self._decode(line)
        except RecursionError:
            raise MalformedLine("nested value") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MalformedLine(_rule(str(error))) from None
        if not isinstance(row, dict):
            values: tuple[Raw, ...] = msgspec.structs.astuple(row)
            return values
        for key in row.keys() - set(self._keys):
            raise MalformedLine(_unknown(key))
        return tuple(row.get(key, _MISSING) for key in self._keys)

    def _refuse_duplicates(self, line: bytes, values: Sequence[Raw]) -> None:
        present = [value for value in values if value is not _MISSING]
        # Not certain yet where too many quotes are left over: a key may hold an escaped one.
        if line.count(b'"') - b",".join(present).count(b'"') != 2 * len(present):
            json.loads(line, object_pairs_hook=_refuse_equal_keys, parse_int=str, parse_float=str)


def _without_escapes(cut: list[bytes], values: list[tuple[Raw, ...]]) -> list[bytes]:
    """Return the lines *cut* of *values*, those with escapes made of cells that have none."""
    return [
        b",".join([_cell(bytes(value), is_dropped=False) for value in row]) if b"\\" in line else line
        for line, row in zip(cut, values, strict=True)
    ]


def _is_plain(block: bytes, lines: int) -> bool:
    """Say whether each of the *lines* of *block* has braces around it and none inside, and no byte to look at."""
    return (
        block.count(b"{") == lines
        and block.count(b"}\n{") == lines - 1
        and _NOT_PLAIN.search(block) is None
        and block.startswith(b"{")
        and len(block) <= MAX_LINE_BYTES
    )


def _type_of(keys: Sequence[str]) -> Any:
    """Return what to decode a line as: a struct is fastest, but its fields cannot have every name."""
    if any('"' in key or "\\" in key for key in keys):
        return dict[str, Raw]
    names = {f"c{place}": key for place, key in enumerate(keys)}
    fields = [(name, Raw, _MISSING) for name in names]
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _refuse_equal_keys(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise MalformedLine("duplicate key")


def _cell(value: bytes, *, is_dropped: bool) -> bytes:
    if value.startswith((b"[", b"{")):
        if is_dropped:
            return ABSENT
        raise MalformedLine("nested value")
    if b"\\" not in value:
        return value
    text = _decode_text(value)
    if "\0" in text:
        raise MalformedLine("NUL character")
    return quoted(text)


def _rule(message: str) -> str:
    """Return the decoder's *message* in our words, without places: equal faults must count as one rule."""
    if unknown := _UNKNOWN.search(message):
        return _unknown(unknown[1])
    if "Expected `object`" in message:
        return "not an object"
    return "not JSON"


def _unknown(key: str) -> str:
    return f"unknown field {key[:40]!r}"
