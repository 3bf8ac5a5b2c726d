"""How differently a model treats the groups of the columns that `model.fairness` names.

Per column: for two classes the difference of selection rates (the share that gets the second class, in the order
of the signature) and of true positive rates (the share of the second class that gets it), between the group with
the highest and the one with the lowest; for every task the difference of the primary metric. Groups of fewer than
50 rows are left out. As a metric, each is the largest over the columns; 0 is equal treatment.

These are observed differences (demographic parity, equal opportunity: Hardt et al. 2016), not causes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .evaluate import Judged
from .failure import UserError
from .groups import Groups, cut_columns
from .metrics import Floats, Measure, ratio
from .parameters import Parameters
from .supervised import Answered

type Rate = Callable[[Floats], float]


def with_fairness(
    judged: Judged, parameters: Parameters, primary: str
) -> tuple[Judged, dict[str, Any] | None]:
    """Return the judged rows measured by the differences, too, and the report; unchanged where none are asked for."""
    if not parameters.fairness:
        return judged, None
    if not isinstance(judged, Answered):
        raise UserError(f"model.fairness is for models that answer rows, which {parameters.task} does not.")
    groups = _groups(judged, parameters)
    measured = {
        name: {**own, **_differences(judged, name, own, groups, primary)}
        for name, own in judged.measures.items()
    }
    report = {
        column: [_report(judged, name, mask, primary) for name, mask in own] for column, own in groups.items()
    }
    return replace(judged, measures=measured), {"metric": primary, "columns": report}


def _groups(judged: Answered, parameters: Parameters) -> dict[str, Groups]:
    known = {field.name: field for field in parameters.fields}
    for name in parameters.fairness:
        if name not in known:
            raise UserError(f"model.fairness names '{name}', which is not a column of the data.")
    return dict(cut_columns(judged.columns, [known[name] for name in parameters.fairness]))


def _differences(
    judged: Answered, who: str, own: Mapping[str, Measure], groups: Mapping[str, Groups], primary: str
) -> dict[str, Measure]:
    rates = {"metric_difference": own[primary], **_rates_of(judged, who)}
    return {name: _largest(rate, groups) for name, rate in rates.items()}


def _rates_of(judged: Answered, who: str) -> dict[str, Rate]:
    """Return selection and true positive rate of two classes as functions of weights; none for other tasks."""
    if judged.classes is None or len(judged.classes) != 2:
        return {}
    chosen = (judged.answers[who].argmax(axis=1) == 1).astype(np.float64)
    positive = (judged.truth == 1).astype(np.float64)
    return {
        "selection_rate_difference": lambda w: ratio(w @ chosen, w.sum()),
        "tpr_difference": lambda w: ratio(w @ (chosen * positive), w @ positive),
    }


def _largest(rate: Rate, groups: Mapping[str, Groups]) -> Measure:
    def measure(weights: Floats) -> float:
        """Return the largest difference over the columns; NaN where no column has two groups."""
        spans = [_span([rate(weights * mask) for _, mask in own]) for own in groups.values()]
        known = [span for span in spans if np.isfinite(span)]
        return max(known) if known else float("nan")

    return measure


def _span(rates: list[float]) -> float:
    known = [rate for rate in rates if np.isfinite(rate)]
    return max(known) - min(known) if len(known) > 1 else float("nan")


def _report(judged: Answered, group: str, mask: Any, primary: str) -> dict[str, Any]:
    weights = mask.astype(np.float64)
    rates = {name.removesuffix("_difference"): rate for name, rate in _rates_of(judged, "challenger").items()}
    rates[primary] = judged.measures["challenger"][primary]
    return {"group": group, "rows": int(mask.sum()), **{name: rate(weights) for name, rate in rates.items()}}
