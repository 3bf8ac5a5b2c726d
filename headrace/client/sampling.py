"""What a data file looks like at first sight: enough to write a pipeline definition, no more."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.failures import BadData

# A draft needs the shape of the data, not its extremes; the ingest service judges every row later.
SAMPLE_BYTES = 1024 * 1024
MAX_ROWS = 5000
MANY_CLASSES = 20
_DELIMITERS = (",", ";", "\t", "|")
# What pandas, R and spreadsheets write where there is nothing.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
# ASCII only, here and below: Python's \d also takes Arabic and full-width digits.
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The header and the first rows of a delimited file; rows of another width are not among them."""

    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def values(self, column: str) -> list[str]:
        """Return the cells of a column that are not missing."""
        place = self.header.index(column)
        return [row[place].strip() for row in self.rows if row[place].strip().lower() not in _MISSING]


def read_sample(file: Path) -> Sample:
    """Read the first MiB of a file.

    Raises
    ------
    BadData
        It is empty, binary, not UTF-8, has no rows or names a column twice.
    """
    with file.open("rb") as source:
        content = source.read(SAMPLE_BYTES)
    if not content.strip():
        raise BadData(f"{file} is empty")
    # Gzip's magic number, or a NUL byte as in spreadsheets and Parquet.
    if content[:2] == b"\x1f\x8b" or b"\0" in content:
        raise BadData(f"{file} is not text: give the uncompressed CSV")
    # A sample may end amid a character, a whole file may not.
    text = _decode(content, file, whole=len(content) < SAMPLE_BYTES)
    delimiter = find_delimiter(text)
    lines = _parse(text, delimiter)
    header = _header(lines[0], file)
    rows = tuple(tuple(row) for row in lines[1:] if len(row) == len(header))
    if not rows:
        raise BadData(f"{file} has a header and no rows")
    return Sample(delimiter=delimiter, header=header, rows=rows)


def _header(cells: Sequence[str], file: Path) -> tuple[str, ...]:
    header = tuple(name.strip() for name in cells)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadData(f"{file} names a column twice: {', '.join(map(repr, twice))}")
    return header


def find_delimiter(text: str) -> str:
    """Return the delimiter under which most rows have as many cells as the header, and more than one."""

    def fit(delimiter: str) -> tuple[int, int]:
        lines = _parse(text[:20_000], delimiter)
        width = len(lines[0])
        same = sum(len(line) == width for line in lines)
        return (same, width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)


def infer_task(values: Sequence[str]) -> str:
    """Return `regression` for a target of many numbers, else `classification`.

    Whole numbers are classes when there are few of them (up to 20, each seen five times on average): 0 and 1
    are labels, ages are not.
    """
    distinct = set(values)
    if not all(_NUMBER.fullmatch(value) for value in distinct):
        return "classification"
    if not all(_WHOLE.fullmatch(value) for value in distinct):
        return "regression"
    few = len(distinct) <= MANY_CLASSES and (len(distinct) == 2 or len(values) >= 5 * len(distinct))
    return "classification" if few else "regression"


def time_columns(sample: Sample) -> list[str]:
    """Return the columns whose every value is an ISO 8601 date or time."""
    return [name for name in sample.header if _all_times(sample.values(name))]


def _all_times(values: Sequence[str]) -> bool:
    return bool(values) and all(_is_time(value) for value in values[:200])


def _is_time(value: str) -> bool:
    if not _DATE.match(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _decode(content: bytes, file: Path, *, whole: bool) -> str:
    """Return the text; the sample's end may cut through a character and a line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if whole or error.start < len(content) - 4:
            raise BadData(f"{file} is not UTF-8: byte {error.start} is wrong; save it as UTF-8") from error
        text = content[: error.start].decode("utf-8-sig")
    return text if whole else text[: text.rfind("\n") + 1]


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
