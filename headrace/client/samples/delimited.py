"""CSV, TSV and their kin."""

import csv
import io
from pathlib import Path

from headrace.client.samples.table import MAX_ROWS, Sample, unique_header
from headrace.failures import BadData

_DELIMITERS = (",", ";", "\t", "|")


def read_delimited(text: str, file: Path) -> Sample:
    """Return the sample of a text whose first line is a header.

    Raises
    ------
    BadData
        It has no rows or names a column twice.
    """
    delimiter = find_delimiter(text)
    lines = _parse(text, delimiter)
    header = unique_header(lines[0], file)
    rows = tuple(tuple(row) for row in lines[1:] if len(row) == len(header))
    if not rows:
        raise BadData(f"{file} has a header and no rows")
    return Sample(delimiter=delimiter, header=header, rows=rows)


def find_delimiter(text: str) -> str:
    """Return the delimiter under which most rows have as many cells as the header, and more than one."""

    def fit(delimiter: str) -> tuple[int, int]:
        lines = _parse(text[:20_000], delimiter)
        width = len(lines[0])
        same = sum(len(line) == width for line in lines)
        return (same, width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)


def _parse(text: str, delimiter: str) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if line:
                lines.append(line)
            if len(lines) > MAX_ROWS:
                break
    except csv.Error:
        # A sample may end inside a quoted cell; what was read until there is enough.
        pass
    return lines or [[""]]
