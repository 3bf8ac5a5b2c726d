"""Find where delimited text may be cut in two: at the beginning of a row that really is one."""

import csv
import itertools

from chalicelib.ingest.formats.layout import Layout

_ROWS = 4  # that must follow a place for it to be taken
_WINDOW_BYTES = 1 << 16
_TRIES = 64


def row_start(data: bytes, layout: Layout) -> int:
    """Return a place in *data* where a row begins, 0 where none is found.

    Within a quoted value lines may look like rows too. So this is a good guess, and whoever cuts there must see
    afterwards that it was right.
    """
    # Any line of a single column looks like a row.
    at = 0
    for _ in range(_TRIES if len(layout.columns) > 1 else 0):
        at = data.find(b"\n", at) + 1
        if not at:
            break
        if _are_rows(data[at : at + _WINDOW_BYTES], layout):
            return at
    return 0


def _are_rows(data: bytes, layout: Layout) -> bool:
    lines = data.decode(errors="replace").splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
    try:
        rows = list(itertools.islice(reader, _ROWS))
    except csv.Error:
        return False
    # From within a quoted value on, the quote that closes it would be left over.
    quotes = sum(line.count(layout.quote) for line in lines[: reader.line_num])
    return len(rows) == _ROWS and all(len(row) == len(layout.columns) for row in rows) and quotes % 2 == 0
