"""When a release rolls back by itself: the clauses of ``release.rollback_on``, read as data and never evaluated."""

import re
from typing import Literal

import msgspec

Metric = Literal["error_rate", "p95_ms", "disagreement", "accuracy", "mae"]
Operator = Literal[">", "<"]
# Of the last two a release knows nothing before labels come; which of them a task has is its own.
METRICS: tuple[Metric, ...] = ("error_rate", "p95_ms", "disagreement", "accuracy", "mae")
FORMS = (
    "'metric > number', 'metric > number x live' or 'metric > live + number', "
    "such as 'error_rate > 1%' or 'p95_ms > 2x live'"
)
_NUMBER = r"[0-9]+(?:\.[0-9]+)?%?"
_CLAUSE = re.compile(
    r"\s*(?P<metric>[a-z0-9_]+)\s*(?P<operator>[<>])\s*"
    rf"(?:(?P<absolute>{_NUMBER})|(?P<factor>{_NUMBER})\s*x\s*live|live\s*(?P<sign>[+-])\s*(?P<offset>{_NUMBER}))\s*"
)


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One reason to roll back: the candidate's *metric* lies beyond ``factor`` times live's, plus ``offset``.

    ``factor`` is 0 for a bound that does not depend on what is live.
    """

    text: str
    metric: Metric
    operator: Operator
    factor: float
    offset: float

    def bound(self, live: float) -> float:
        """Return the value that the candidate may not pass, where live has *live*."""
        return self.factor * live + self.offset

    def is_broken(self, candidate: float, live: float) -> bool:
        """Say whether *candidate* lies beyond the bound."""
        bound = self.bound(live)
        return candidate > bound if self.operator == ">" else candidate < bound


def parse_clause(text: str) -> Clause | None:
    """Return the clause, None where *text* is not one of :data:`FORMS` or names an unknown metric."""
    match = _CLAUSE.fullmatch(text)
    if match is None or match["metric"] not in METRICS:
        return None
    factor = _number(match["factor"]) if match["factor"] else float(match["sign"] is not None)
    offset = _number(match["absolute"] or match["offset"] or "0")
    fields = {
        "text": text.strip(),
        "metric": match["metric"],
        "operator": match["operator"],
        "factor": factor,
        "offset": -offset if match["sign"] == "-" else offset,
    }
    return msgspec.convert(fields, Clause)


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)
