"""Notice rows that may end with empty cells too many, which DuckDB would pass over in silence."""

import csv
import re

from chalicelib.ingest.formats.layout import Layout

_KEPT_BYTES = 1 << 16  # of what came before: a record may have several lines
_MOST_LINES = 64


class Tails:
    """Looks at the lines that end with a delimiter; ``are_suspect`` once one of them has cells too many.

    What a line within a quoted value looks like is no proof. So the suspicion may be wrong, and only costs time.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter.encode()
        self._quote = layout.quote.encode()
        self._tail = re.compile(re.escape(self._delimiter) + b"\n")  # of two bytes faster than bytes.find
        self._before = b""
        self.are_suspect = False

    def check(self, chunk: bytes) -> None:
        """Look at *chunk*, which follows what was looked at before."""
        if self.are_suspect:
            return
        data = self._before + chunk
        seen = max(0, len(self._before) - len(self._delimiter))
        tails = self._tail.finditer(data, seen)
        self.are_suspect = any(self._has_surplus(data, tail.end() - 1) for tail in tails)
        self._before = data[-_KEPT_BYTES:]

    def _has_surplus(self, data: bytes, end: int) -> bool:
        start = data.rfind(b"\n", 0, end) + 1
        quotes = data.count(self._quote, start, end)
        if not quotes:
            return data.count(self._delimiter, start, end) >= len(self._layout.columns)
        for _ in range(_MOST_LINES):
            if quotes % 2 == 0 or not start:
                break
            start = data.rfind(b"\n", 0, start - 1) + 1
            quotes = data.count(self._quote, start, end)
        return quotes % 2 == 1 or self._cells(data[start:end]) > len(self._layout.columns)

    def _cells(self, record: bytes) -> int:
        """Return how many cells *record* has, 0 where it cannot be cut: DuckDB sets such a row apart itself."""
        lines = record.decode(errors="replace").splitlines(keepends=True)
        reader = csv.reader(
            lines, delimiter=self._layout.delimiter, quotechar=self._layout.quote, strict=True
        )
        try:
            return len(next(reader, []))
        except csv.Error:
            return 0
