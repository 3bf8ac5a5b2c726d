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
    return {
        "fields": [_field(name, kinds[name], required) for name in sample.header],
        "missingValues": missing_values(sample, kinds),
    }


def missing_values(sample: Sample, kinds: Mapping[str, Kind]) -> list[str]:
    """Return the spellings of nothing, such as `NA`, that the columns hold which are no texts."""
    # In a column of texts they may be words: "none" is a payment method, NA is Namibia.
    typed = [name for name, kind in kinds.items() if kind.type != "string"]
    seen = {cell for name in typed for cell in sample.cells(name) if cell.lower() in MISSING}
    return ["", *sorted(seen - {""})]


def _field(name: str, kind: Kind, required: Collection[str]) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "type": kind.type}
    if kind.format:
        field["format"] = kind.format
    if name in required:
        field["constraints"] = {"required": True}
    return field
