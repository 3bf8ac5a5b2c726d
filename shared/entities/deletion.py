"""The deletion of a pipeline: its row, which outlives the definition and every later one of the same name."""

import msgspec


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """The last deletion of a pipeline of this name (partition ``deleted`` of the pipelines table); it is never removed.

    ``life`` counts the deletions. Whatever belongs to a pipeline carries the count it began under: where that is smaller,
    the pipeline it belonged to is gone, also if another of the same name has been defined since.
    """

    pipeline: str
    life: int
    deleted_by: str
    deleted_at: str
