"""`headrace predict`: the live model's answers to records."""

import sys
from pathlib import Path
from typing import Any

import click

from headrace.client.api import Api
from headrace.client.records import MAX_ROWS, Record, batches, read_records
from headrace.failures import Missing
from headrace.options import command
from headrace.progress import following
from headrace.session import Session


@command("predict")
@click.argument("pipeline")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), required=False
)
@click.option("--json", "text", metavar="JSON", help="The record or records themselves.")
@click.option("--version", "version", metavar="V", help="Ask this model version, not the live one.")
def predict(
    session: Session, pipeline: str, file: Path | None, text: str | None, version: str | None
) -> None:
    """Predict with the live model.

    FILE holds JSON (an object, a list, or {"records": [...]}), NDJSON, CSV or TSV; `-` is standard input.
    Columns of a CSV that are no inputs of the model are left out.
    """
    if (file is None) == (text is None):
        raise click.UsageError("give either a FILE (or `-`) or --json")
    api = session.api
    if text is not None:
        # JSON says itself what is a number, so the model's inputs need not be asked for.
        records = read_records(text.encode(), ".json", ())
    else:
        # For mypy: exactly one of the two is given, as checked above.
        assert file is not None
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        records = read_records(content, file.suffix, model_inputs(api, pipeline, version))
    with following(session.progress):
        rows = list(ask(session, pipeline, records, version))
    session.show(rows, ("id", "value", "score", "model_version"))


def model_inputs(api: Api, pipeline: str, version: str | None = None) -> list[Record]:
    """Return the inputs of a model version, of the live one without *version*.

    Raises
    ------
    Missing
        Nothing is live.
    """
    serving = version or (api.find("endpoints", pipeline) or {}).get("live")
    if serving is None:
        raise Missing(f"nothing is live for {pipeline!r}: upload data, then `headrace watch {pipeline}`")
    inputs: list[Record] = api.get("models", pipeline, serving).get("inputs", {}).get("inputs", [])
    return inputs


def ask(session: Session, pipeline: str, records: list[Record], version: str | None) -> list[dict[str, Any]]:
    """Return one row per record, in order; large inputs go in several requests."""
    rows: list[dict[str, Any]] = []
    api = session.api
    for batch in batches(records):
        if len(records) > MAX_ROWS:
            session.progress.doing(f"predicted {len(rows):,} of {len(records):,}")
        answer = api.ask("predictions", pipeline, body={"records": batch}, version=version)
        # Each answer names its version: a release may happen between two batches.
        rows += [_row(prediction, answer["model_version"]) for prediction in answer["predictions"]]
    return rows


def _row(prediction: dict[str, Any], model_version: str) -> dict[str, Any]:
    """Return a prediction with its model version and, for a class, the score of that class."""
    scores = prediction.get("scores") or {}
    value = prediction["value"]
    spelled = str(value).lower() if isinstance(value, bool) else str(value)
    score = {"score": scores[spelled]} if isinstance(scores, dict) and spelled in scores else {}
    return {**prediction, **score, "model_version": model_version}
