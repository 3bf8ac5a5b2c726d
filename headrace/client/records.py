"""Records to predict, from JSON, NDJSON, CSV or TSV, as the model takes them."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.client.cells import read_cell
from headrace.failures import BadData

Record = dict[str, Any]

MAX_ROWS = 1000
# Under the service's 3 MiB, with room for the envelope.
MAX_BODY_BYTES = 2_900_000
_BY_SUFFIX = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
}


def read_records(content: bytes, suffix: str, inputs: Sequence[Record]) -> list[Record]:
    """Return the records of a file.

    Parameters
    ----------
    content
        UTF-8, with or without a byte order mark.
    suffix
        The file's, such as `.csv`; any other is sniffed.
    inputs
        The model's inputs (`name`, `type`, `spelling`): they decide what the texts of a CSV mean. Columns of a CSV that
        are no inputs, such as the target, are left out; JSON is sent as it is.

    Raises
    ------
    BadData
        With the line or record that is wrong.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"the records are not UTF-8: byte {error.start} is wrong") from error
    # The name decides before the looks: a CSV may well begin with a brace.
    form = _BY_SUFFIX.get(suffix.lower()) or sniff(text)
    if form in {"csv", "tsv"}:
        records = _from_csv(text, "\t" if form == "tsv" else ",", inputs)
    else:
        records = _from_json(text) if form == "json" else _from_ndjson(text)
    if not records:
        raise BadData("there are no records to predict")
    return records


def sniff(text: str) -> str:
    """Return `json`, `ndjson`, `csv` or `tsv` by how the text looks."""
    start = text.lstrip()
    if start.startswith("["):
        return "json"
    if start.startswith("{"):
        first = start.split("\n", 1)[0].strip()
        # One object over several lines is JSON, an object on each line is NDJSON: the first line tells.
        several = "\n" in start.strip()
        return "ndjson" if several and _is_object(first) else "json"
    header = start.split("\n", 1)[0]
    return "tsv" if header.count("\t") > header.count(",") else "csv"


def batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the records in requests the service takes: at most 1,000 rows and 3 MiB each."""
    batch: list[Record] = []
    size_bytes = 0
    for record in records:
        own = len(json.dumps(record).encode()) + 1
        if batch and (len(batch) == MAX_ROWS or size_bytes + own > MAX_BODY_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(record)
        size_bytes += own
    if batch:
        yield batch


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _load(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise BadData(f"{where} is no JSON: {error}") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _from_json(text: str) -> list[Record]:
    document = _load(text, "the text")
    if isinstance(document, dict):
        document = document["records"] if isinstance(document.get("records"), list) else [document]
    return _objects(document)


def _from_ndjson(text: str) -> list[Record]:
    lines = enumerate(text.splitlines(), start=1)
    return _objects([_load(line, f"line {number}") for number, line in lines if line.strip()])


def _objects(values: Any) -> list[Record]:
    if not isinstance(values, list):
        raise BadData("the JSON must be an object, a list of objects or an object with a list `records`")
    for position, value in enumerate(values):
        if not isinstance(value, dict):
            raise BadData(f"record {position} is not an object of field names and values")
    return values


def _from_csv(text: str, delimiter: str, inputs: Sequence[Record]) -> list[Record]:
    known = {field["name"]: field for field in inputs}
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        if not header:
            raise BadData("there are no records to predict")
        if len(set(header)) != len(header):
            raise BadData("the header names a column twice")
        if known and known.keys().isdisjoint(header):
            raise BadData(f"the header has none of the model's inputs: {', '.join(known)}")
        return [_typed(header, row, known, rows.line_num) for row in rows if row]
    except csv.Error as error:
        raise BadData(f"the CSV cannot be read near line {rows.line_num}: {error}") from error


def _typed(header: Sequence[str], row: Sequence[str], known: dict[str, Record], line: int) -> Record:
    if len(row) != len(header):
        raise BadData(f"line {line} has {len(row)} values, the header has {len(header)}")
    cells = zip(header, row, strict=True)
    return {name: read_cell(cell, known.get(name, {})) for name, cell in cells if not known or name in known}
