"""`headrace datasets`: dataset versions."""

from itertools import islice

import click

from headrace.client.naming import resolve_version
from headrace.options import command
from headrace.session import Session

_COLUMNS = ("alias", "state", "rows_good", "rows_bad", "reason", "key", "created_at", "version")
_REJECTS = ("row", "column", "rule", "value", "detail")


@click.group("datasets")
def datasets() -> None:
    """Show dataset versions, their profile and their bad rows."""


@datasets.add_command
@command("ls")
@click.argument("pipeline")
@click.option("--limit", default=50, show_default=True, help="At most so many, the newest first.")
def list_versions(session: Session, pipeline: str, limit: int) -> None:
    """List the dataset versions of a pipeline."""
    session.show(list(islice(session.api.every("versions", "datasets", pipeline), limit)), _COLUMNS)


@datasets.add_command
@command("show")
@click.argument("pipeline")
@click.argument("version")
def show_version(session: Session, pipeline: str, version: str) -> None:
    """Show one dataset version, named by its id or as d7."""
    api = session.api
    session.show(api.get("datasets", pipeline, resolve_version(api, pipeline, version)))


@datasets.add_command
@command("profile")
@click.argument("pipeline")
@click.argument("version")
def show_profile(session: Session, pipeline: str, version: str) -> None:
    """Show what the columns of a dataset version hold."""
    api = session.api
    profile = api.get("datasets", pipeline, resolve_version(api, pipeline, version), "profile")
    columns = profile.get("columns")
    if session.output == "json" or not columns:
        session.show(profile)
        return
    rows = (
        [{"column": name, **told} for name, told in columns.items()] if isinstance(columns, dict) else columns
    )
    session.show(rows, ("column", "name", "type", "count", "missing", "distinct", "min", "max", "mean"))


@datasets.add_command
@command("rejects")
@click.argument("pipeline")
@click.argument("version")
def show_rejects(session: Session, pipeline: str, version: str) -> None:
    """Show the rows that were set aside: row, column and the rule each broke."""
    api = session.api
    answer = api.get("datasets", pipeline, resolve_version(api, pipeline, version), "rejects")
    session.show(answer.get("rejects", []), _REJECTS)
