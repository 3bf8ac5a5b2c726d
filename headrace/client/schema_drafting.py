"""A first `schema.json` for a data file: its columns as a Frictionless Table Schema."""

from collections.abc import Collection, Mapping
from typing import Any

from headrace.client.samples.kinds import Kind
from headrace.client.samples.table import MISSING, Sample


def draft_schema(sample: Sample, kinds: Mapping[str, Kind], required: Collection[str]) -> dict[str, Any]:
    """Return a Table Schema of the sample.

    A column is `required` when it plays a part the pipeline cannot do without; what else a sample seems to say
    (a range, a pattern, a list of values) the rest of the data may contradict, and is left to people.
    """
    fields = [_field(sample, name, kinds[name], is_required=name in required) for name in sample.header]
    return {"fields": fields, "missingValues": [""]}


def _field(sample: Sample, name: str, kind: Kind, *, is_required: bool) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "type": kind.type}
    if kind.format:
        field["format"] = kind.format
    if is_required:
        field["constraints"] = {"required": True}
    spellings = {cell for cell in sample.cells(name) if cell and cell.lower() in MISSING}
    # In a column of texts they may be words: "none" is a way to pay, NA is Namibia.
    if spellings and kind.type != "string":
        field["missingValues"] = sorted(spellings)
    return field
