"""`headrace drift`: how far what is asked and answered is from training, and what it costs."""

from typing import Any

import click

from headrace.options import command
from headrace.session import Session

_COLUMNS = ("what", "trained", "now", "psi", "drifted")


@command("drift")
@click.argument("pipeline")
@click.option(
    "--window", metavar="TIME", help="Such as 15m, 1h or 7d; what the pipeline's monitor takes if absent."
)
def drift(session: Session, pipeline: str, window: str | None) -> None:
    """Show how far requests and answers of what is live are from training.

    First the loss: the one the version was released with, and the one its answers expect or its labels measured. Then the classes
    it answers, then the columns it is asked with, where records are captured (`monitor.inputs: full`).
    """
    told = session.api.get("endpoints", pipeline, "drift", window=window)
    session.progress.note(
        f"{told['model_version']} from {told['since']} to {told['until']}, {told['rows']:,} rows"
    )
    session.progress.note(f"{'ALARM: ' if told['alarm'] else 'no alarm: '}{told['because']}")
    for note in told.get("notes", ()):
        session.progress.note(note)
    session.show([*_losses(told), *_classes(told), *_inputs(told)], _COLUMNS)


def _losses(told: dict[str, Any]) -> list[dict[str, Any]]:
    loss = told.get("loss")
    if not loss:
        return []
    kinds = (
        ("estimated", f"over {loss['rows']:,} rows"),
        ("measured", f"on {loss.get('labelled', 0):,} labels"),
    )
    return [
        {"what": f"{loss['metric']} {kind} {of}", "trained": loss["promised"], "now": loss[kind]}
        for kind, of in kinds
        if loss.get(kind) is not None
    ]


def _classes(told: dict[str, Any]) -> list[dict[str, Any]]:
    answers = told.get("answers")
    if not answers:
        return []
    drifted = answers["psi"] > told["limit"]
    first = {"what": "answers", "psi": answers["psi"], "drifted": drifted}
    shares = [
        {"what": f"answers of {one['name']}", "trained": one["trained"], "now": one["answered"]}
        for one in answers["classes"]
    ]
    return [first, *shares]


def _inputs(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"what": f"column {one['name']}", "psi": one["psi"], "drifted": one["drifted"]}
        for one in told.get("columns", ())
    ]
