"""Labels out of a file, in the portions that one request takes."""

from collections.abc import Iterator
from typing import Any

from headrace.client.records import read_records
from headrace.failures import BadData

MAX_LABELS = 1000
_FIELDS = ("id", "value", "observed_at")
# A cell that is no number stays text, and the service compares classes by their spelling.
_COLUMNS = [{"name": name, "type": "number" if name == "value" else "string"} for name in _FIELDS]

Label = dict[str, Any]


def read_labels(content: bytes, suffix: str) -> list[Label]:
    """Return the labels in *content*; columns of a CSV beside id, value and observed_at are left out.

    Raises
    ------
    BadData
        A label has no id or no value.
    """
    found = read_records(content, suffix, _COLUMNS)
    if len(found) == 1 and isinstance(found[0].get("labels"), list):
        found = found[0]["labels"]
    labels = [{name: one[name] for name in _FIELDS if one.get(name) is not None} for one in found]
    for place, label in enumerate(labels, start=1):
        if not {"id", "value"} <= label.keys():
            raise BadData(f"label {place} has no {'value' if 'id' in label else 'id'}")
    return labels


def in_requests(labels: list[Label]) -> Iterator[list[Label]]:
    """Return *labels* in portions of one request each."""
    for start in range(0, len(labels), MAX_LABELS):
        yield labels[start : start + MAX_LABELS]
