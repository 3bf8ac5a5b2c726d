"""The model card: facts of this run and nothing else."""

from collections.abc import Mapping
from typing import Any

from .parameters import Parameters
from .signature import Signature

SLICES_SHOWN = 10


def write_card(parameters: Parameters, evaluation: Mapping[str, Any], signature: Signature) -> str:
    """Return `card.md`."""
    sections = [
        f"# {parameters.pipeline}: {parameters.task} of `{signature.target.name}`",
        _data(parameters, evaluation),
        "## Metrics\n\n" + _metrics(evaluation),
        *_worst(evaluation),
        "## Inputs\n\n" + _inputs(signature),
    ]
    return "\n\n".join(sections) + "\n"


def _data(parameters: Parameters, evaluation: Mapping[str, Any]) -> str:
    judged = evaluation["judged"]
    span = f", from {judged['from']} through {judged['through']}" if judged else ""
    through = evaluation["trained_through"]
    # Whose lists are judged is drawn and counted by user.
    unit = "users whose interactions" if parameters.task == "recommendation" else "rows that"
    facts = [
        f"Recipe: {parameters.recipe}, preset {parameters.preset}, seed {parameters.seed}, "
        f"parameters {dict(parameters.params) or 'all default'}",
        f"Trained on {evaluation['rows_train']} rows, stopped by {evaluation['rows_validation']} validation rows"
        + (f", newest {through}" if through else ""),
        f"Judged on {evaluation['rows']} {unit} neither model was trained on{span}",
        f"Rows without a target, left out: {evaluation['rows_without_target']}",
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def _metrics(evaluation: Mapping[str, Any]) -> str:
    metrics, version = evaluation["metrics"], evaluation["champion_version"]
    header = ["metric", "this model", f"champion {version}" if version else "champion", "naive baseline"]
    rows = [header, ["---", "---:", "---:", "---:"]]
    for name in metrics["challenger"]:
        rows.append([name, *(_cell(metrics[who], name) for who in ("challenger", "champion", "baseline"))])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    error = evaluation["champion_error"]
    return table + (f"\n\nThe champion was not judged: {error}" if error else "")


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


def _inputs(signature: Signature) -> str:
    rows = ["| field | type | ever missing in training | known categories |", "|---|---|---|---|"]
    for taken in signature.inputs:
        known = len(taken.categories) if taken.categories else "-"
        rows.append(f"| {taken.name} | {taken.type} | {'no' if taken.required else 'yes'} | {known} |")
    return "\n".join(rows)
