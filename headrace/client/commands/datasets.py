"""`headrace datasets`: dataset versions."""

from collections.abc import Iterator
from itertools import islice

import click

from headrace.client.api import Json
from headrace.client.comparing import difference_cells, difference_row, profile_row
from headrace.options import command, limit_option
from headrace.session import Session

_COLUMNS = ("alias", "state", "rows_good", "rows_bad", "reason", "key", "created_at", "version")
_REJECTS = ("row", "column", "rule", "value")
_PROFILE = ("name", "type", "count", "missing", "distinct", "min", "mean", "max", "top")
_DIFFERENCE = ("name", "change", "type", "psi", "statistics")


@click.group("datasets")
def datasets() -> None:
    """Show dataset versions, their profile, their bad rows and how they differ."""


@datasets.add_command
@command("ls")
@click.argument("pipeline")
@limit_option(50, "the newest first")
def list_versions(session: Session, pipeline: str, limit: int) -> None:
    """List the dataset versions of a pipeline."""
    found = session.api.every("versions", "datasets", pipeline)
    session.show(list(islice(found, limit)), _COLUMNS)


@datasets.add_command
@command("show")
@click.argument("pipeline")
@click.argument("version")
def show_version(session: Session, pipeline: str, version: str) -> None:
    """Show one dataset version, named by its id, as d7 or as latest.

    Of a rejected one also the address of the page that explains its reason.
    """
    api = session.api
    shown = api.get("datasets", pipeline, version)
    if shown.get("reason_url"):
        # The page is on the stage's own origin; with it the address can be clicked.
        shown["reason_url"] = f"{api.credentials.url}{shown['reason_url']}"
    session.show(shown)


@datasets.add_command
@command("profile")
@click.argument("pipeline")
@click.argument("version")
def show_profile(session: Session, pipeline: str, version: str) -> None:
    """Show what the columns of a dataset version hold.

    JSON and CSV have everything: quantiles, histograms, the most frequent values.
    """
    profile = session.api.get("datasets", pipeline, version, "profile")
    if session.output == "json":
        session.show(profile)
    elif session.output == "csv":
        session.show(profile["columns"], _PROFILE)
    else:
        session.progress.note(f"{profile['row_count']:,} good rows")
        session.show([profile_row(column) for column in profile["columns"]], _PROFILE)


@datasets.add_command
@command("diff")
@click.argument("pipeline")
@click.argument("v1")
@click.argument("v2")
def show_difference(session: Session, pipeline: str, v1: str, v2: str) -> None:
    """Show how dataset version V2 differs from V1, what changed most first.

    PSI is the population stability index: above 0.2 a column is commonly said to have shifted.
    """
    answer = session.api.get("datasets", pipeline, "diff", **{"from": v1, "to": v2})
    columns = answer["columns"]
    if session.output == "json":
        session.show(answer)
    elif session.output == "csv":
        session.show([difference_cells(column) for column in columns], _DIFFERENCE)
    else:
        rows = answer["rows"]
        session.progress.note(f"{v1} → {v2}: {rows['from']:,} → {rows['to']:,} good rows")
        session.show([difference_row(column) for column in columns], _DIFFERENCE)


@datasets.add_command
@command("rejects")
@click.argument("pipeline")
@click.argument("version")
@limit_option(100, "in the order of the file")
@click.option("--all", "is_all", is_flag=True, help="All of them, however many.")
def show_rejects(session: Session, pipeline: str, version: str, limit: int, is_all: bool) -> None:
    """Show the rows that were set aside: row, column, the rule each broke, and the value.

    JSON and CSV are written as the pages come. The value is shortened; the row is that of the uploaded file.
    """
    found = session.api.every("rejects", "datasets", pipeline, version, "rejects")
    session.stream(found if is_all else _first(session, found, limit), _REJECTS)


def _first(session: Session, found: Iterator[Json], limit: int) -> Iterator[Json]:
    """Yield the first rows, and say when there are more."""
    yield from islice(found, limit)
    if next(found, None) is not None:
        session.progress.note(f"the first {limit:,}; there are more: --all shows every one")
