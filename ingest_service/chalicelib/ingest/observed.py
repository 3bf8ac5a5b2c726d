"""What a version's rows teach its schema beyond types: ranges, missing values, columns that only name their rows."""

import re

import msgspec
from chalicelib.ingest.profiling.model import ColumnProfile, Profile
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.model import Field, Observed, TableSchema
from chalicelib.ingest.table_schema.types import Type

_LEAST_ROWS = 100  # of fewer, distinct values say little
_ALMOST = 0.9  # of all values, where a sketch counts them: three times its standard error
_LONGEST_NAME = 64
_NAME = re.compile(r"(^|[\W_])(?i:id|ids|row|index|key|nr|no|number)$|[a-z]I[dD]$")


def with_observed(schema: TableSchema, described: Profile, roles: Roles) -> TableSchema:
    """Return *schema* with what the profile *described* of the same columns shows."""
    pairs = zip(schema.fields, described.columns, strict=True)
    return msgspec.structs.replace(
        schema, fields=tuple(_observe(field, found, roles) for field, found in pairs)
    )


def _observe(field: Field, found: ColumnProfile, roles: Roles) -> Field:
    low, high = found.min, found.max
    if field.type is Type.DATE and isinstance(low, str) and isinstance(high, str):
        low, high = low[:10], high[:10]
    observed = Observed(minimum=low, maximum=high, missing=found.missing)
    is_identifier = field.identifier or field.name == roles.key or _names_rows(field, found)
    return msgspec.structs.replace(field, observed=observed, identifier=is_identifier)


def _names_rows(field: Field, found: ColumnProfile) -> bool:
    """Say whether the values are all different, as far as the profile knows, and look like names or numbers of rows."""
    if found.missing or found.count < _LEAST_ROWS or not _are_distinct(found):
        return False
    if field.type is Type.STRING:
        return found.lengths is not None and found.lengths.max <= _LONGEST_NAME
    # Training leaves such integers out: x of a small table of x and y is all different as well, so its name must tell.
    return field.type is Type.INTEGER and _are_dense(found) and _NAME.search(field.name) is not None


def _are_dense(found: ColumnProfile) -> bool:
    low, high = found.min, found.max
    return isinstance(low, int) and isinstance(high, int) and high - low < 2 * found.count


def _are_distinct(found: ColumnProfile) -> bool:
    least = _ALMOST * found.count if found.distinct_is_approximate else found.count
    return found.distinct >= least
