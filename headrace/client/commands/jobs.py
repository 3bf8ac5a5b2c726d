"""`headrace jobs`: training jobs."""

from itertools import islice

import click

from headrace.client.job_log import follow_log
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
    """Show, stop and retry training jobs."""


@jobs.add_command
@command("ls")
@click.argument("pipeline", required=False)
@limit_option(50, "the newest first")
def list_jobs(session: Session, pipeline: str | None, limit: int) -> None:
    """List the training jobs of a pipeline; without one the newest of all."""
    found = session.api.every("jobs", "training-jobs", pipeline=pipeline)
    session.show(list(islice(found, limit)), _COLUMNS)


@jobs.add_command
@command("show")
@click.argument("job_id")
def show_job(session: Session, job_id: str) -> None:
    """Show one training job; of one that failed also the last lines it printed."""
    job = session.api.get("training-jobs", job_id)
    if session.output != "table":
        session.show(job)
        return
    tail = job.pop("log_tail", [])
    session.show(job)
    if tail:
        write_lines(["", f"The last lines of its log (all: headrace jobs log {job_id}):", *tail], "table")


@jobs.add_command
@command("log")
@click.argument("job_id")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
def show_log(session: Session, job_id: str, follow: bool) -> None:
    """Show what a training job printed."""
    if not follow:
        write_lines(session.api.get("training-jobs", job_id, "log").get("lines", []), session.output)
        return
    if session.output != "table":
        raise click.UsageError("--follow writes lines as they come: leave -o out")
    for line in follow_log(session.api, job_id, session.sleep):
        click.echo(line)


@jobs.add_command
@command("stop")
@click.argument("job_id")
def stop_job(session: Session, job_id: str) -> None:
    """Stop a training job that has not ended; its work is lost."""
    session.show(session.api.post("training-jobs", job_id, "stop"))


@jobs.add_command
@command("retry")
@click.argument("job_id")
def retry_job(session: Session, job_id: str) -> None:
    """Try a job again that ended without a model, on the same data, with the `train` of its pipeline by now."""
    api = session.api
    pipeline = api.get("training-jobs", job_id)["pipeline"]
    session.show(api.post("training-jobs", body={"pipeline": pipeline, "job_id": job_id, "retry": True}))
