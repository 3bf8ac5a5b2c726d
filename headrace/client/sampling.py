"""What a data file looks like at first sight: enough to write a pipeline definition, no more."""

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

from headrace.client.samples.delimited import read_delimited
from headrace.client.samples.json_lines import looks_like_json_lines, read_json_lines
from headrace.client.samples.kinds import Kind, infer_kind
from headrace.client.samples.table import Sample
from headrace.client.samples.unpacking import PARQUET, Head, magic, read_head, unpacked
from headrace.failures import BadData

MANY_CLASSES = 20
# The longer first: UTF-32's mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# ASCII only: Python's \d also takes Arabic and full-width digits.
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_sample(file: Path, encoding: str | None = None) -> Sample:
    """Read the first MiB of a table: CSV, TSV or JSON Lines, also gzip or zstd, or Parquet.

    Without an *encoding* text is UTF-8, or what its byte order mark says.

    Raises
    ------
    BadData
        It is empty, binary, in another encoding, has no rows or names a column twice.
    """
    if magic(file) == PARQUET:
        return _read_parquet(file)
    head = read_head(file)
    if head.content.startswith(PARQUET):
        # Its columns are told at its end: all of it is needed.
        with unpacked(file) as plain:
            return _read_parquet(plain)
    text = _decode(head, file, encoding or _marked(head.content))
    if looks_like_json_lines(text, file):
        return read_json_lines(text, file)
    return read_delimited(text, file)


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


def kinds_of(sample: Sample) -> dict[str, Kind]:
    """Return what each column holds: as the file declares it, else as its values look."""
    return {
        name: Kind(type=sample.types[name]) if name in sample.types else infer_kind(sample.values(name))
        for name in sample.header
    }


def _read_parquet(file: Path) -> Sample:
    from headrace.client.samples.parquet import read_parquet

    return read_parquet(file)


def _marked(content: bytes) -> str:
    """Return the encoding that a byte order mark tells, else UTF-8."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    return "utf-8-sig"


def _decode(head: Head, file: Path, encoding: str) -> str:
    """Return the text; the sample's end may cut through a character and a line."""
    content = head.content
    if not content.strip():
        raise BadData(f"{file} is empty")
    # A NUL byte, as in spreadsheets and pictures.
    if b"\0" in content and encoding == "utf-8-sig":
        raise BadData(f"{file} is not text: give CSV, JSON Lines or Parquet, also packed with gzip")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        # A sample may end amid a character, a whole file may not.
        if head.is_whole or error.start < len(content) - 4:
            raise BadData(_wrong_encoding(file, encoding, error.start)) from error
        text = content[: error.start].decode(encoding)
    return text if head.is_whole else text[: max(text.rfind("\n"), text.rfind("\r")) + 1]


def _wrong_encoding(file: Path, encoding: str, place: int) -> str:
    shown = "UTF-8" if encoding == "utf-8-sig" else encoding
    return f"{file} is not {shown}: byte {place} is wrong; say what it is, such as --encoding cp1252"
