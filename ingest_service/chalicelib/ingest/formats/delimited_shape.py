"""Stop a file of mostly malformed rows early: DuckDB keeps each of them in memory until its end."""

import csv

from chalicelib.ingest.formats.layout import Layout
from chalicelib.ingest.reasons import rejection

# DuckDB 2.0 holds about 850 bytes and the line for each error, whatever its rejects_limit: 5 million took 4.3 GB.
MAX_MALFORMED = 100_000
MAX_MALFORMED_BYTES = 32 << 20
_SAMPLE_RECORDS = 200


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
        surplus = abs(data.count(self._delimiter) - lines * self._inner)
        if surplus <= self._inner and not quotes:
            return
        share = self._malformed_share(data, starts_in_quotes)
        self._rows += share * lines
        self._bytes += share * len(data)
        if self._rows > MAX_MALFORMED or self._bytes > MAX_MALFORMED_BYTES:
            raise rejection(
                "too_many_bad_rows",
                f"About {int(self._rows):,} rows and more have not the header's {self._inner + 1} cells; "
                f"at most {MAX_MALFORMED:,} such rows (or 32 MiB of them) are set apart.",
            )

    def _malformed_share(self, data: bytes, starts_in_quotes: bool) -> float:
        """Return the share of malformed records in a stretch of *data*, from 0 to 1."""
        # The first line began in the chunk before; one that began within quotes ends behind the next quote.
        at = data.find(self._quote) + 1 if starts_in_quotes else 0
        at = data.find(b"\n", at) + 1
        stretch = data[at : at + (1 << 17)].decode(errors="replace").split("\n")[:-1]
        layout = self._layout
        reader = csv.reader(stretch, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
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
