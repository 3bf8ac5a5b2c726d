"""Golden rows: requests with the answers training gave, so that a new endpoint can prove it gives the same."""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .columns import Column, Columns, is_missing, row_count, take_rows
from .parameters import Field
from .requests import JSON
from .serving import Serving, endpoint_functions
from .times import format_time

GOLDEN_ROWS = 20
GOLDEN_FILE = "golden.jsonl"
PLAIN: dict[str, Callable[[Any], Any]] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "string": str,
    "binary": lambda content: base64.b64encode(content).decode("ascii"),
}


def write_golden(model_dir: Path, serving: Serving, model: Any, records: Sequence[dict[str, Any]]) -> int:
    """Ask the model the records as an endpoint does and keep the answers; return how many."""
    _, transform_fn = endpoint_functions(serving)
    response = transform_fn(model, json.dumps({"records": records}), JSON, JSON)
    predictions = json.loads(response.get_data())["predictions"]
    lines = [json.dumps({"record": r, "prediction": p}) for r, p in zip(records, predictions, strict=True)]
    (model_dir / GOLDEN_FILE).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def sample_records(
    columns: Columns, fields: Sequence[Field], most: int = GOLDEN_ROWS
) -> list[dict[str, Any]]:
    """Return some rows, evenly spread, as a client would send them."""
    rows = row_count(columns)
    chosen = np.unique(np.linspace(0, rows - 1, min(most, rows)).round().astype(np.int64))
    return to_records(take_rows(columns, chosen), fields)


def to_records(columns: Columns, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Write rows as a client would send them."""
    written = {f.name: _to_json_values(columns[f.name], f.type) for f in fields}
    return [dict(zip(written, row, strict=True)) for row in zip(*written.values(), strict=True)]


def _to_json_values(values: Column, kind: str) -> list[Any]:
    return [
        None if gone else _to_json_value(value, kind)
        for value, gone in zip(values, is_missing(values), strict=True)
    ]


def _to_json_value(value: Any, kind: str) -> Any:
    if kind == "date":
        return str(value.astype("datetime64[D]"))
    if kind == "datetime":
        return format_time(value)
    return PLAIN[kind](value)
