"""What a person should know of the rows a model met, that no metric tells."""

from .columns import Columns, is_missing, row_count
from .evaluate import Judged
from .parameters import Parameters
from .signature import Signature


def find_only_class(judged: Judged, parameters: Parameters) -> str | None:
    """Return the class that all judged rows have, None where there are several or no classes at all."""
    if parameters.task not in ("classification", "text", "image") or not judged.rows:
        return None
    values = judged.columns[parameters.target]
    present = set(values[~is_missing(values)].tolist())
    return str(present.pop()) if len(present) == 1 else None


def find_empty_inputs(train: Columns, signature: Signature) -> list[str]:
    """Return the inputs that have no value in any training row."""
    # A column that was never empty, which most are, need not be looked at.
    open_ones = [taken.name for taken in signature.inputs if not taken.required and taken.name in train]
    return [name for name in open_ones if row_count(train) and is_missing(train[name]).all()]
