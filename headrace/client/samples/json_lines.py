"""JSON Lines: one object per line."""

import json
from pathlib import Path
from typing import Any

from headrace.client.samples.table import MAX_ROWS, Sample, unique_header
from headrace.failures import BadData

SUFFIXES = (".jsonl", ".ndjson", ".json")


def looks_like_json_lines(text: str, file: Path) -> bool:
    """Say whether the name or the first line is that of JSON Lines."""
    name = file.name.lower().removesuffix(".gz").removesuffix(".zst")
    return name.endswith(SUFFIXES) or _object(text.lstrip().split("\n", 1)[0]) is not None


def read_json_lines(text: str, file: Path) -> Sample:
    """Return the sample of a text; columns are the fields of all objects, in the order they are first seen.

    Raises
    ------
    BadData
        A line is no object.
    """
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    records = [_record(line, file, number) for number, line in numbered[:MAX_ROWS]]
    header = tuple(dict.fromkeys(name for record in records for name in record))
    # Names that differ in spaces only would be one column to the service.
    trimmed = unique_header(header, file)
    rows = tuple(tuple(_cell(record.get(name)) for name in header) for record in records)
    return Sample(header=trimmed, rows=rows)


def _record(line: str, file: Path, number: int) -> dict[str, Any]:
    record = _object(line)
    if record is None:
        raise BadData(f'{file}, line {number} is no JSON object: write one per line, such as {{"a": 1}}')
    return record


def _object(line: str) -> dict[str, Any] | None:
    try:
        # Numbers stay as they are written: 1.0 is no integer, and no digit gets lost.
        found = json.loads(line, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
