"""What a data file looks like at first sight: enough to write a pipeline definition, no more."""

import re
from collections.abc import Sequence
from pathlib import Path

from headrace.client.samples.delimited import read_delimited
from headrace.client.samples.json_lines import looks_like_json_lines, read_json_lines
from headrace.client.samples.kinds import Kind, infer_kind
from headrace.client.samples.table import Sample
from headrace.client.samples.unpacking import PARQUET, Head, magic, read_head
from headrace.failures import BadData

MANY_CLASSES = 20
# ASCII only: Python's \d also takes Arabic and full-width digits.
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_sample(file: Path) -> Sample:
    """Read the first MiB of a table: CSV, TSV or JSON Lines, also gzip or zstd, or Parquet.

    Raises
    ------
    BadData
        It is empty, binary, not UTF-8, has no rows or names a column twice.
    """
    if magic(file) == PARQUET:
        from headrace.client.samples.parquet import read_parquet

        return read_parquet(file)
    text = _decode(read_head(file), file)
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


def _decode(head: Head, file: Path) -> str:
    """Return the text; the sample's end may cut through a character and a line."""
    content = head.content
    if not content.strip():
        raise BadData(f"{file} is empty")
    # A NUL byte, as in spreadsheets and pictures.
    if b"\0" in content:
        raise BadData(f"{file} is not text: give CSV, JSON Lines or Parquet, also packed with gzip")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A sample may end amid a character, a whole file may not.
        if head.is_whole or error.start < len(content) - 4:
            raise BadData(f"{file} is not UTF-8: byte {error.start} is wrong; save it as UTF-8") from error
        text = content[: error.start].decode("utf-8-sig")
    return text if head.is_whole else text[: text.rfind("\n") + 1]
