"""Read a channel of Parquet parts into columns of numpy arrays.

The schema decides the type of a column, not the part: a part may be all null, or lack a nullable column.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .columns import Column, Columns, is_missing, row_count, take_rows
from .failure import UserError
from .parameters import Field, Parameters

ARROW_TYPES = {
    "integer": pa.float64(),
    "number": pa.float64(),
    "boolean": pa.float64(),
    "string": pa.string(),
    "datetime": pa.timestamp("us"),
    "date": pa.timestamp("us"),
    "binary": pa.binary(),
}
SIDES = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Data:
    """The three sides, with a target in every row where the task has one, and how many rows had none."""

    train: Columns
    validation: Columns
    test: Columns
    without_target: int


def read_sides(folder: Path, parameters: Parameters) -> Data:
    """Read the three channels, leaving out rows without a target."""
    fields = _fields_as_read(parameters)
    sides = [read_channel(folder / side, fields) for side in SIDES]
    missing = [_lack_target(side, parameters.target) for side in sides]
    train, validation, test = (take_rows(s, ~gone) for s, gone in zip(sides, missing, strict=True))
    if not row_count(train):
        what = f" with a value in the target '{parameters.target}'" if parameters.target else ""
        raise UserError(f"There are no training rows{what}.")
    without = int(sum(gone.sum() for gone in missing))
    return Data(train=train, validation=validation, test=test, without_target=without)


def _fields_as_read(parameters: Parameters) -> list[Field]:
    # A key is an identity, not a quantity: as text, large integers keep their last digits.
    as_text = {parameters.key} - {parameters.time}
    return [replace(f, type="string") if f.name in as_text else f for f in parameters.fields]


def _lack_target(side: Columns, target: str) -> npt.NDArray[np.bool_]:
    return is_missing(side[target]) if target else np.zeros(row_count(side), dtype=bool)


def read_channel(folder: Path, fields: Iterable[Field]) -> Columns:
    """Return every row of every `*.parquet` under the folder, in path order; no folder means no rows."""
    wanted = tuple(fields)
    parts = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    tables = [_read_part(part, wanted) for part in parts]
    return {f.name: _join([table[f.name] for table in tables], f) for f in wanted}


def _read_part(part: Path, fields: tuple[Field, ...]) -> Columns:
    try:
        # A file of its own, not a data set: folders named like a=b must not become columns.
        table = pq.ParquetFile(part).read()
    except pa.ArrowInvalid as error:
        raise UserError(f"The part {part.name} is not a readable Parquet file: {error}") from error
    absent = pa.nulls(table.num_rows)
    return {
        f.name: _to_numpy(table[f.name] if f.name in table.column_names else absent, f, part) for f in fields
    }


def _to_numpy(values: pa.ChunkedArray | pa.Array, column: Field, part: Path) -> Column:
    try:
        return _finite(_cast(values, column).to_numpy(zero_copy_only=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UserError(
            f"The column '{column.name}' of the part {part.name} is {values.type}, not {column.type}: {error}"
        ) from error


def _cast(values: pa.ChunkedArray | pa.Array, column: Field) -> pa.Array:
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    if pa.types.is_boolean(flat.type) and column.type != "string":
        flat = flat.cast(pa.int8())
    if pa.types.is_timestamp(flat.type) and flat.type.tz:
        flat = flat.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    return pc.cast(flat, ARROW_TYPES[column.type], safe=False)


def _finite(values: Column) -> Column:
    # An infinite number says nothing a model can use and breaks scaling: it counts as missing.
    if values.dtype == np.float64 and not np.isfinite(values).all():
        return np.where(np.isinf(values), np.nan, values)
    return values


def _join(parts: list[Column], column: Field) -> Column:
    if parts:
        return np.concatenate(parts)
    return ARROW_TYPES_EMPTY[column.type]


ARROW_TYPES_EMPTY: Columns = {
    name: pa.array([], type=arrow).to_numpy(zero_copy_only=False) for name, arrow in ARROW_TYPES.items()
}
