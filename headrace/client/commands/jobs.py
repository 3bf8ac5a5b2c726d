"""`headrace jobs`: training jobs."""

from itertools import islice

import click

from headrace.options import command, limit_option
from headrace.output import write_lines
from headrace.session import Session

_COLUMNS = (
    "job_id",
    "pipeline",
    "purpose",
    "state",
    "attempt",
    "version",
    "waiting_reason",
    "reason",
    "created_at",
    "ended_at",
)


@click.group("jobs")
def jobs() -> None:
    """Show training jobs and their logs."""


@jobs.add_command
@command("ls")
@click.argument("pipeline")
@limit_option(50, "the newest first")
def list_jobs(session: Session, pipeline: str, limit: int) -> None:
    """List the training jobs of a pipeline."""
    found = session.api.every("jobs", "training-jobs", pipeline=pipeline)
    session.show(list(islice(found, limit)), _COLUMNS)


@jobs.add_command
@command("show")
@click.argument("job_id")
def show_job(session: Session, job_id: str) -> None:
    """Show one training job."""
    session.show(session.api.get("training-jobs", job_id))


@jobs.add_command
@command("log")
@click.argument("job_id")
def show_log(session: Session, job_id: str) -> None:
    """Show what a training job printed."""
    write_lines(session.api.get("training-jobs", job_id, "log").get("lines", []), session.output)
