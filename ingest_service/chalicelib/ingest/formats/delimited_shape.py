"""Stop a file of mostly malformed rows early: DuckDB keeps each of them in memory until its statement ends."""

import csv
from collections.abc import Iterator

from chalicelib.ingest.formats.layout import Layout
from chalicelib.ingest.reasons import rejection

# DuckDB 2.0 holds about 850 bytes and the line for each error, whatever its rejects_limit: 5 million took 4.3 GB.
MAX_MALFORMED = 100_000
MAX_MALFORMED_BYTES = 32 << 20
_SAMPLE_RECORDS = 200
_SAMPLED_CHUNKS = 4
_LONG_LINE_BYTES = 1000
_HEAVY_BYTES = 1 << 20


class ShapeGuard:
    """Estimates from a stretch of every megabyte how many rows are malformed; exact counts are DuckDB's."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._delimiter = layout.delimiter.encode()
        self._quote = layout.quote.encode()
        self._inner = len(layout.columns) - 1
        self._chunks = 0
        self._share = 0.0
        self._rows = 0.0
        self._bytes = 0.0

    def forget(self) -> None:
        """Begin with another statement: what DuckDB has held is gone."""
        self._rows = self._bytes = 0.0

    def check(self, data: bytes, delimiters: int, lines: int, *, in_quotes: bool) -> None:
        """Look at *data*, *lines* lines that follow what was looked at before; it may begin within quotes.

        Raises
        ------
        InvalidDataset
            ``too_many_bad_rows``.
        """
        surplus = delimiters - lines * self._inner
        if surplus > _LONG_LINE_BYTES // 2:
            self._bytes += self._extra_bytes(data, in_quotes)
        # One stretch in four megabytes tells enough; the chunks between are taken to be alike.
        if self._chunks % _SAMPLED_CHUNKS == 0:
            self._share = self._malformed_share(data, in_quotes)
        self._chunks += 1
        self._rows += self._share * lines
        self._bytes += self._share * len(data)
        if self._rows > MAX_MALFORMED or self._bytes > MAX_MALFORMED_BYTES:
            raise rejection(
                "too_many_bad_rows",
                f"More rows than can be set apart have not the header's {self._inner + 1} cells: "
                f"of some 64 MiB at most {MAX_MALFORMED:,} of them and 32 MiB are; is it the file's own header?",
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

    def _malformed_share(self, data: bytes, in_quotes: bool) -> float:
        """Return the share of malformed records in a stretch of *data*, from 0 to 1."""
        at = 0
        # The first line began in the chunk before; a line that begins within quotes begins no record.
        while at == 0 or in_quotes:
            end = data.find(b"\n", at)
            if end < 0:
                return self._share
            in_quotes ^= bool(data.count(self._quote, at, end) % 2)
            at = end + 1
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
