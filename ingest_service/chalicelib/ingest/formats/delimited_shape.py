"""Stop a file of mostly malformed rows early: DuckDB keeps each of them in memory until its end."""

import csv
from collections.abc import Iterator

from chalicelib.ingest.formats.layout import Layout
from chalicelib.ingest.reasons import rejection

# DuckDB 2.0 holds about 850 bytes and the line for each error, whatever its rejects_limit: 5 million took 4.3 GB.
MAX_MALFORMED = 100_000
MAX_MALFORMED_BYTES = 32 << 20
_SAMPLE_RECORDS = 200
_LONG_LINE_BYTES = 1000
_HEAVY_BYTES = 1 << 20


class ShapeGuard:
    """Estimates from a stretch of every megabyte how many rows are malformed; exact counts are DuckDB's."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter.encode()
        self._quote = layout.quote.encode()
        self._inner = len(layout.columns) - 1
        self._in_quotes = False
        self._rows = 0.0
        self._bytes = 0.0

    def check(self, data: bytes) -> None:
        """Look at *data*, which follows what was looked at before.

        Raises
        ------
        InvalidDataset
            ``too_many_bad_rows``.
        """
        lines = data.count(b"\n")
        starts_in_quotes = self._in_quotes
        quotes = data.count(self._quote)
        self._in_quotes ^= bool(quotes % 2)
        # Where there is one delimiter for each gap nothing is malformed, or one row has what another lacks.
        surplus = data.count(self._delimiter) - lines * self._inner
        if abs(surplus) <= self._inner and not quotes:
            return
        if surplus > _LONG_LINE_BYTES // 2:
            self._bytes += self._extra_bytes(data, starts_in_quotes)
        share = self._malformed_share(data, starts_in_quotes)
        self._rows += share * lines
        self._bytes += share * len(data)
        if self._rows > MAX_MALFORMED or self._bytes > MAX_MALFORMED_BYTES:
            raise rejection(
                "too_many_bad_rows",
                f"More rows than can be set apart have not the header's {self._inner + 1} cells: "
                f"at most {MAX_MALFORMED:,} of them and 32 MiB are; is it the file's own header?",
            )

    def _extra_bytes(self, data: bytes, in_quotes: bool) -> int:
        """Return what DuckDB would hold for rows of far too many cells: the whole line for each cell."""
        held = 0
        for line in data.split(b"\n"):
            extra = (
                0 if in_quotes or len(line) < _LONG_LINE_BYTES else line.count(self._delimiter) - self._inner
            )
            in_quotes ^= bool(line.count(self._quote) % 2)
            if extra * len(line) > _HEAVY_BYTES:
                held += (len(self._cells(line)) - self._inner - 1) * len(line)
        return max(0, held)

    def _cells(self, line: bytes) -> list[str]:
        try:
            return next(self._reader([line.decode(errors="replace")]), [])
        except csv.Error:
            return []

    def _reader(self, lines: list[str]) -> Iterator[list[str]]:
        layout = self._layout
        return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)

    def _malformed_share(self, data: bytes, starts_in_quotes: bool) -> float:
        """Return the share of malformed records in a stretch of *data*, from 0 to 1."""
        # The first line began in the chunk before; one that began within quotes ends behind the next quote.
        at = data.find(self._quote) + 1 if starts_in_quotes else 0
        at = data.find(b"\n", at) + 1
        stretch = data[at : at + (1 << 17)].decode(errors="replace").split("\n")[:-1]
        reader = self._reader(stretch)
        records = malformed = 0
        for _ in range(_SAMPLE_RECORDS):
            try:
                record = next(reader, None)
            except csv.Error:
                record = []
            if record is None:
                break
            records += 1
            malformed += len(record) != self._inner + 1
        return malformed / records if records else 0.0
