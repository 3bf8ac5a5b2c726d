"""The section ``monitor`` of a pipeline definition: what is remembered of requests, and when their drift is an alarm."""

import re
from typing import Annotated, Literal

from msgspec import Meta

from shared.entities.sections import Duration, Section

_PSI = r"psi > ([0-9]{1,2}(?:\.[0-9]{1,3})?)"
DriftClause = Annotated[str, Meta(pattern=rf"^{_PSI}$", description="such as psi > 0.2")]


class Monitor(Section, frozen=True, kw_only=True):
    """How closely a served model is watched.

    ``inputs`` is what the record of a prediction says of its inputs; outputs are always recorded. ``none``: nothing.
    ``hash``: a keyed hash of each record, by which equal ones are found and nothing is read. ``full``: the records
    themselves, as objects under ``captures/`` in the data bucket, never in a log; only then can the drift of columns be told.

    ``every`` is how often drift is looked at, and the least time it is measured over. A distribution that moved further
    from training than ``drift`` has drifted. ``alarm_on`` says what is an alarm: that the model expects, or by its labels has, a
    loss well above the one it was released with; that anything drifted, whatever it does to the answers; or nothing.
    """

    inputs: Literal["none", "hash", "full"] = "none"
    every: Duration = "1h"
    drift: DriftClause = "psi > 0.2"
    alarm_on: Literal["estimated_loss", "drift", "nothing"] = "estimated_loss"


def psi_limit(clause: str) -> float:
    """Return the number of a drift clause."""
    match = re.fullmatch(_PSI, clause)
    if match is None:
        raise ValueError(f"{clause!r} is not of the form {_PSI}")
    return float(match[1])
