"""`headrace cost`: what a stage has cost."""

from datetime import UTC, datetime

import click
import msgspec

from headrace.operate.project import told_in_one_line
from headrace.operate.stages import deployed
from headrace.options import command
from headrace.session import Session

_COLUMNS = ("what", "quantity", "unit", "usd")


@command("cost")
@click.option(
    "--days", type=click.IntRange(1, 400), default=30, show_default=True, help="How far back to count."
)
def cost(session: Session, days: int) -> None:
    """Estimate what a stage has cost.

    Counts what stands and what was done, by AWS's own metrics, and takes list prices: no free tiers, no discounts. Of
    the local cloud it says what the same would have cost on AWS.
    """
    from infra.prices import price_list
    from infra.usage import usage, window_of

    with told_in_one_line():
        stage, outputs = deployed(session)
        window = window_of(stage, days=days, now=datetime.now(UTC))
        lines = usage(stage, outputs, window)
    rows = [msgspec.to_builtins(line) for line in sorted(lines, key=lambda line: -(line.usd or 0.0))]
    total = sum(row["usd"] or 0.0 for row in rows)
    session.show([*rows, {"what": "together", "quantity": None, "unit": "", "usd": total}], _COLUMNS)
    listed = price_list()
    session.progress.note(f"since {window.since:%Y-%m-%d %H:%M} UTC, {window.hours:.1f} hours")
    session.progress.note(f"prices of {listed.as_of}, {listed.region}. {listed.note}")
