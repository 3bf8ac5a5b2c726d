"""Cut lines of JSON into cells whose texts are as the file writes them: every digit of a number arrives."""

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.ingest.formats.row_pipe import NULL, quoted
from msgspec import Raw

MAX_LINE_BYTES = 1_000_000
_MISSING = Raw(NULL)  # compared by identity: a null that the line itself writes is another object
_UNKNOWN = re.compile("unknown field `(.*?)`", re.DOTALL)


class MalformedLine(Exception):
    """The line is no row; the message is the rule that it breaks."""


class Cutter:
    """Cuts one object into the cells of *keys*, in their order; the keys in *dropped* may hold anything."""

    def __init__(self, keys: Sequence[str], dropped: Sequence[str] = ()) -> None:
        self._dropped = tuple(place for place, key in enumerate(keys) if key in dropped)
        # Keys that only later lines have are read too where they are dropped anyhow.
        extra = [key for key in dropped if key not in keys]
        self._keys = (*keys, *extra)
        self._decode = msgspec.json.Decoder(_type_of(self._keys)).decode
        self._width, self._all = len(keys), len(self._keys)

    def cut(self, line: bytes) -> bytes:
        """Return the line of CSV for *line*, one JSON object.

        A JSON string without escapes is a quoted CSV cell already, and numbers, true, false and null need no
        quotes: the usual line is only cut and joined again.

        Raises
        ------
        MalformedLine
            Which rule it breaks.
        """
        if len(line) > MAX_LINE_BYTES:
            raise MalformedLine(f"longer than {MAX_LINE_BYTES:,} bytes")
        values = self._values(line)
        joined = b",".join(values)
        self._refuse_duplicates(line, joined, values)
        if self._dropped or self._all > self._width:
            values = self._without_dropped(values)
            joined = b",".join(values)
        if b"\\" in joined or b"[" in joined or b"{" in joined:
            return b",".join([_cell(bytes(value)) for value in values])
        return joined

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

    def _refuse_duplicates(self, line: bytes, joined: bytes, values: Sequence[Raw]) -> None:
        """Tell a key that occurs twice, which the decoder passes over, by the quotes that are left over."""
        quotes = line.count(b'"') - joined.count(b'"')
        if quotes == 2 * self._all:
            return
        missing = sum(value is _MISSING for value in values)
        # Not certain yet: a key may hold an escaped quote.
        if quotes != 2 * (self._all - missing):
            json.loads(line, object_pairs_hook=_refuse_equal_keys, parse_int=str, parse_float=str)

    def _without_dropped(self, values: Sequence[Raw]) -> tuple[Raw, ...]:
        kept = list(values[: self._width])
        for place in self._dropped:
            kept[place] = _MISSING
        return tuple(kept)


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


def _cell(value: bytes) -> bytes:
    if value.startswith((b"[", b"{")):
        raise MalformedLine("nested value")
    if b"\\" not in value:
        return value
    text = msgspec.json.decode(value, type=str)
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
