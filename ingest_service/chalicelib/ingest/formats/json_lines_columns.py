"""Read the columns of JSON lines from the first of them: names, and what is text by its quotes."""

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw

MAX_KEYS = 2000  # more than any file may have; a line of a million keys is not collected to its end
KIND_LINES = 20_000  # as many lines are looked at for types
# What may be a date or a time is left to the inference, in whatever format it is written.
_DATE = re.compile(rb'"\s*\d{1,4}\s?[-/.]\s?(\d{1,2}|[A-Za-z]{3,9})\s?[-/.]\s?\d{1,4}')


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys in order of first appearance, and those of them whose values are text by their quotes."""

    names: tuple[str, ...]
    texts: frozenset[str]


class _Kinds:
    """Counts what one key's values look like."""

    def __init__(self) -> None:
        self.present = self.strings = self.dates = 0

    def add(self, value: Raw) -> None:
        """Count one value; null and the empty string say nothing."""
        start = bytes(memoryview(value)[:40])
        if start not in (b"null", b'""'):
            self.present += 1
            self.strings += start.startswith(b'"')
            self.dates += _DATE.match(start) is not None

    def are_texts(self) -> bool:
        """Say whether all values are strings, and not mostly what could be dates or times."""
        return 0 < self.present == self.strings and self.dates * 2 < self.present


def read_keys(lines: Iterable[bytes]) -> Keys:
    """Return the keys of *lines*; a line that is no object says nothing, it is malformed later."""
    kinds: dict[str, _Kinds] = {}
    for number, cells in _objects(lines):
        if not cells.keys() <= kinds.keys():
            kinds |= {name: _Kinds() for name in cells if name not in kinds}
        if number < KIND_LINES:
            for name, value in cells.items():
                kinds[name].add(value)
        if len(kinds) > MAX_KEYS:
            break
    texts = frozenset(name for name, kind in kinds.items() if kind.are_texts())
    return Keys(names=tuple(kinds), texts=texts)


def _objects(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Raw]]]:
    """Yield those of *lines* that are objects, each with its number from 0 among all of them."""
    decode = msgspec.json.Decoder(dict[str, Raw]).decode
    for number, line in enumerate(lines):
        try:
            cells = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        yield number, cells
