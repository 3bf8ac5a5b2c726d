"""The model card: facts of this run and nothing else.

What came before the run (whose uploads, by which hashes) and after it (the gate, people) is told by the registry,
which adds it when the card is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .parameters import Parameters
from .signature import Signature

SLICES_SHOWN = 10
_WARNED_SHARE = 0.05


def write_card(parameters: Parameters, evaluation: Mapping[str, Any], signature: Signature) -> str:
    """Return `card.md`."""
    sections = [
        f"# {parameters.pipeline}: {parameters.task} of `{signature.target.name}`",
        "## Training and judgement\n\n" + _list(_data(parameters, evaluation)),
        "## Metrics\n\n" + _metrics(evaluation),
        *_worst(evaluation),
        *_exports(evaluation),
        "## Limits\n\n" + _list(_limits(parameters, evaluation, signature)),
        "## Inputs\n\n" + _inputs(signature),
    ]
    return "\n\n".join(sections) + "\n"


def _data(parameters: Parameters, evaluation: Mapping[str, Any]) -> list[str]:
    judged = evaluation["judged"]
    span = f", from {judged['from']} through {judged['through']}" if judged else ""
    through = evaluation["trained_through"]
    # Whose lists are judged is drawn and counted by user.
    unit = "users whose interactions" if parameters.task == "recommendation" else "rows that"
    return [
        f"Recipe: {parameters.recipe}, preset {parameters.preset}, seed {parameters.seed}, "
        f"parameters {dict(parameters.params) or 'all default'}",
        *_search(evaluation.get("search")),
        f"Trained on {evaluation['rows_train']} rows, stopped by {evaluation['rows_validation']} validation rows"
        + (f", newest {through}" if through else ""),
        f"Judged on {evaluation['rows']} {unit} neither model was trained on{span}",
        f"Rows without a target, left out: {evaluation['rows_without_target']}",
        f"Rows of the test side left out because a compared model had seen them: {evaluation['rows_test_seen']}",
    ]


def _search(found: Mapping[str, Any] | None) -> list[str]:
    """Return how the settings were found, if there was anything to choose."""
    if not found:
        return []
    ended = ", and the time for it was over before all were tried" if found["ended_early"] else ""
    settings = ", ".join(f"{name} {value}" for name, value in found["chosen"].items()) or "the usual ones"
    return [f"Settings chosen of {found['candidates']} candidates in {found['fits']} fits{ended}: {settings}"]


def _metrics(evaluation: Mapping[str, Any]) -> str:
    metrics, version = evaluation["metrics"], evaluation["champion_version"]
    champion = f"champion {version}" if version else "champion"
    bootstrap = evaluation["bootstrap"]
    header = ["metric", "better", "this model", champion, "naive baseline", "over champion", "over baseline"]
    rows = [header, ["---", "---", *["---:"] * 5]]
    for name in metrics["challenger"]:
        way = "higher" if evaluation["higher_is_better"].get(name) else "lower"
        values = [_cell(metrics[who], name) for who in ("challenger", "champion", "baseline")]
        over = [_interval(evaluation["differences"][who], name) for who in ("champion", "baseline")]
        rows.append([name, way, *values, *over])
    error = evaluation["champion_error"]
    notes = [
        f"Differences are this model minus the other, with the ends of their paired {bootstrap['confidence']:.0%} "
        f"bootstrap interval ({bootstrap['replicates']} replicates)."
    ]
    notes += [f"The champion was not judged: {error}"] if error else []
    return _table(rows) + "\n\n" + "\n\n".join(notes)


def _limits(parameters: Parameters, evaluation: Mapping[str, Any], signature: Signature) -> list[str]:
    """Return what follows from the figures, in sentences; nothing here is an opinion."""
    limits = [
        *_limits_of_judgement(parameters, evaluation),
        *_limits_of_inputs(evaluation, signature),
        *_limits_of_targets(evaluation),
    ]
    return limits or ["None follows from the figures of this run."]


def _limits_of_judgement(parameters: Parameters, evaluation: Mapping[str, Any]) -> list[str]:
    limits = []
    through = evaluation["trained_through"]
    if through:
        limits.append(f"It knows nothing of what happened after {through}.")
    if evaluation["rows"] < parameters.min_rows:
        limits.append(
            f"It was judged on {evaluation['rows']} rows, fewer than the {parameters.min_rows} that the gate trusts."
        )
    if evaluation["only_class"] is not None:
        limits.append(
            f"All judged rows are of the class {evaluation['only_class']!r}: nothing shows whether it knows another."
        )
    # What the baseline does not have, such as a size, is no contest.
    shared = [
        name for name in evaluation["metrics"]["challenger"] if name in evaluation["metrics"]["baseline"]
    ]
    worse = [name for name in shared if _may_lose(evaluation, name)]
    if worse:
        limits.append(f"It is not surely better than the naive baseline in: {', '.join(worse)}.")
    return limits


def _limits_of_inputs(evaluation: Mapping[str, Any], signature: Signature) -> list[str]:
    limits = []
    empty = evaluation["inputs_empty"]
    if empty:
        limits.append(f"It learnt nothing from what has no value in any training row: {', '.join(empty)}.")
    asked = [taken.name for taken in signature.inputs if taken.required]
    if asked:
        limits.append(
            f"It never saw these missing, and answers such records by guesswork: {', '.join(asked)}."
        )
    known = [taken.name for taken in signature.inputs if taken.categories]
    if known:
        limits.append(f"A category it never saw is treated as an unknown one in: {', '.join(known)}.")
    return limits


def _limits_of_targets(evaluation: Mapping[str, Any]) -> list[str]:
    unlabelled = evaluation["rows_without_target"]
    if unlabelled <= _WARNED_SHARE * max(evaluation["rows_train"], 1):
        return []
    return [f"{unlabelled} rows had no target: if they lack it for a reason, the model has not seen it."]


def _may_lose(evaluation: Mapping[str, Any], name: str) -> bool:
    found = (evaluation["differences"]["baseline"] or {}).get(name) or {}
    end = found.get("low" if evaluation["higher_is_better"].get(name) else "high")
    if end is None:
        return True
    return bool(end <= 0 if evaluation["higher_is_better"].get(name) else end >= 0)


def _interval(differences: Mapping[str, Any] | None, name: str) -> str:
    found = (differences or {}).get(name) or {}
    if found.get("estimate") is None:
        return "-"
    if found.get("low") is None or found.get("high") is None:
        return f"{found['estimate']:+.4f}"
    return f"{found['estimate']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"


def _cell(metrics: Mapping[str, float | None] | None, name: str) -> str:
    value = (metrics or {}).get(name)
    return "-" if value is None else f"{value:.4f}"


def _worst(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the section of the slices the model is worst on, none where nothing was cut."""
    slices = evaluation["slices"]
    if not slices["columns"]:
        return []
    title = f"## Where it is worst ({slices['metric']}, slices of at least {slices['least_rows']} rows)"
    rows = [
        "| column | slice | rows | this model | champion | naive baseline |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for each in slices["columns"][:SLICES_SHOWN]:
        name = str(each["slice"]).replace("|", "\\|")
        values = " | ".join(_cell(each, who) for who in ("value", "champion", "baseline"))
        rows.append(f"| {each['column']} | {name} | {each['rows']} | {values} |")
    return [f"{title}\n\n" + "\n".join(rows), *_fairness(evaluation)]


def _fairness(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the section of the groups that `model.fairness` asks about, if it does."""
    if not evaluation["fairness"]:
        return []
    lines = []
    for column, groups in evaluation["fairness"]["columns"].items():
        for group in groups:
            rates = [f"{name} {_cell(group, name)}" for name in group if name not in ("group", "rows")]
            lines.append(f"- {column} = {group['group']} ({group['rows']} rows): {', '.join(rates)}")
    return ["## Groups\n\n" + "\n".join(lines)] if lines else []


def _exports(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the section of the other forms that were asked for, if any was."""
    found = evaluation.get("exports", {}).get("onnx")
    if not found:
        return []
    if not found["written"]:
        return [f"## Exports\n\nThere is no `model.onnx`: {found['reason']}."]
    return [
        f"## Exports\n\n`model.onnx` answers {found['rows']} judged and golden rows as the model does: no other class, "
        f"scores within {found['largest_difference']:.1e} (allowed: {found['tolerance']:.0e}, since its numbers have 32 bits)."
    ]


def _inputs(signature: Signature) -> str:
    rows = [["field", "type", "ever missing in training", "known categories"], ["---"] * 4]
    for taken in signature.inputs:
        known = str(len(taken.categories)) if taken.categories else "-"
        rows.append([taken.name, taken.type, "no" if taken.required else "yes", known])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    # A bar in a column's name would begin another cell.
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
