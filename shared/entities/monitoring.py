"""The section ``monitor`` of a pipeline definition: what is remembered of the requests to what it serves."""

from typing import Literal

from shared.entities.sections import Section


class Monitor(Section, frozen=True, kw_only=True):
    """What the record of a prediction says of its inputs; outputs are always recorded.

    ``none``: nothing. ``hash``: a keyed hash of each record, by which equal ones are found and nothing is read.
    ``full``: the records themselves, as objects under ``captures/`` in the data bucket, never in a log.
    """

    inputs: Literal["none", "hash", "full"] = "none"
