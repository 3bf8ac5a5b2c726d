"""`headrace truth` and `metrics`: what turned out to be so, and how good the answers were."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from headrace.client.labels import MAX_LABELS, in_requests, read_labels
from headrace.options import command
from headrace.progress import following
from headrace.session import Session

_COLUMNS = ("model_version", "requests", "error_rate", "p50_ms", "p95_ms", "p99_ms", "labelled")
_QUALITY = ("accuracy", "log_loss", "mae", "rmse")


@command("truth")
@click.argument("pipeline")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def truth(session: Session, pipeline: str, file: Path) -> None:
    """Tell the truth about predictions, by their ids.

    FILE has `id`, `value` and, if known, `observed_at` of each: JSON, NDJSON, CSV or TSV; `-` is standard input. A
    file may be sent again: what is known already stays as it is. Shown are the labels that were not taken.
    """
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    labels = read_labels(content, file.suffix)
    results: list[dict[str, Any]] = []
    api = session.api
    with following(session.progress):
        for batch in in_requests(labels):
            if len(labels) > MAX_LABELS:
                session.progress.doing(f"told {len(results):,} of {len(labels):,}")
            results += api.post("ground-truth", pipeline, body={"labels": batch})["results"]
    counts = Counter(result["result"] for result in results)
    session.progress.note(", ".join(f"{count:,} {kind}" for kind, count in counts.most_common()))
    session.show([one for one in results if one["result"] == "invalid"], ("id", "result", "detail"))


@command("metrics")
@click.argument("pipeline")
@click.option("--window", metavar="TIME", help="Such as 15m, 1h (the default) or 7d.")
def metrics(session: Session, pipeline: str, window: str | None) -> None:
    """Show requests, errors, latency and quality of each version in a window.

    Quality is that of the predictions whose truth was told (`headrace truth`).
    """
    answer = session.api.get("endpoints", pipeline, "metrics", window=window)
    session.progress.note(f"from {answer['since']} to {answer['until']}")
    rows = [_row(version) for version in answer["versions"]]
    known = tuple(name for name in _QUALITY if any(name in row for row in rows))
    session.show(rows, (*_COLUMNS, *known))


def _row(version: dict[str, Any]) -> dict[str, Any]:
    latency = {f"{name}_ms": ms for name, ms in version["latency_ms"].items()}
    return {**version, **latency}
