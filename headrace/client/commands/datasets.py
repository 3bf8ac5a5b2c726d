"""`headrace datasets`: dataset versions."""

from itertools import islice

import click

from headrace.options import command, limit_option
from headrace.session import Session

_COLUMNS = ("alias", "state", "rows_good", "rows_bad", "reason", "key", "created_at", "version")
_REJECTS = ("row", "column", "rule", "value")
_PROFILE = ("name", "type", "count", "missing", "distinct", "min", "max", "mean")


@click.group("datasets")
def datasets() -> None:
    """Show dataset versions, their profile and their bad rows."""


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
    """Show one dataset version, named by its id, as d7 or as latest."""
    session.show(session.api.get("datasets", pipeline, version))


@datasets.add_command
@command("profile")
@click.argument("pipeline")
@click.argument("version")
def show_profile(session: Session, pipeline: str, version: str) -> None:
    """Show what the columns of a dataset version hold."""
    profile = session.api.get("datasets", pipeline, version, "profile")
    session.show(profile if session.output == "json" else profile["columns"], _PROFILE)


@datasets.add_command
@command("rejects")
@click.argument("pipeline")
@click.argument("version")
@limit_option(100, "in the order of the file")
def show_rejects(session: Session, pipeline: str, version: str, limit: int) -> None:
    """Show the rows that were set aside: row, column and the rule each broke."""
    found = session.api.every("rejects", "datasets", pipeline, version, "rejects")
    session.show(list(islice(found, limit)), _REJECTS)
