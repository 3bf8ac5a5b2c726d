"""What people read over REST: jobs, logs, model versions and their files."""

import hashlib
import re
from typing import Any

import msgspec
from chalice.app import Response
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.logs import LogPosition
from chalicelib.training.model_files import evaluation_key, folder_of, serving_key
from chalicelib.training.paging import from_cursor, to_cursor
from chalicelib.training.ports import Ports
from chalicelib.training.registry_card import registry_sections
from chalicelib.training.views import (
    CardView,
    JobList,
    LogView,
    ModelList,
    ModelView,
    job_view,
    model_view,
)
from chalicelib.training.workflow.tracing import trace

from shared.codec import Row
from shared.entities.training import ModelVersion
from shared.errors import InvalidRequest, NotFound
from shared.http.request import Request

_PLOT = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def list_jobs(ports: Ports, request: Request) -> JobList:
    """Return jobs, newest first: of one pipeline page by page, or the newest of all the caller may touch."""
    limit = request.limit()
    pipeline = request.query.get("pipeline")
    if pipeline is None:
        return _newest_of_all(ports, request, limit)
    if not request.caller.may_touch(pipeline):
        raise NotFound(f"no pipeline {pipeline!r}")
    page = ports.jobs.page(pipeline, limit, _start_of_page(request, pipeline))
    views = tuple(job_view(ports.place.stage, job) for job in page.jobs)
    return JobList(jobs=views, next=to_cursor(page.cursor))


def _start_of_page(request: Request, pipeline: str) -> Row | None:
    cursor = from_cursor(request.query.get("cursor"), dict[str, str])
    if cursor is None:
        return None
    is_whole = set(cursor) == {"job_id", "pipeline", "created_at"} and all(cursor.values())
    if not is_whole or cursor["pipeline"] != pipeline:
        raise InvalidRequest("the cursor belongs to another list; use the 'next' of a page")
    return dict(cursor)


def _newest_of_all(ports: Ports, request: Request, limit: int) -> JobList:
    """Return the newest jobs over all pipelines; for older ones a pipeline must be named (no Scan)."""
    if request.query.get("cursor"):
        raise InvalidRequest("name a pipeline to page through its jobs")
    names = [name for name in ports.pipelines.names() if request.caller.may_touch(name)]
    jobs: list[Job] = [job for name in names for job in ports.jobs.page(name, limit).jobs]
    jobs.sort(key=lambda job: (job.created_at, job.job_id), reverse=True)
    return JobList(jobs=tuple(job_view(ports.place.stage, job) for job in jobs[:limit]))


def read_log(ports: Ports, job: Job, cursor: str | None = None) -> LogView:
    """Return the last lines that the job's present attempt wrote, or those after *cursor*."""
    name = sagemaker_name(ports.place.stage, job.job_id, job.attempt)
    position = from_cursor(cursor, LogPosition)
    # The attempt before wrote another log: nothing of the present one has been read yet.
    is_of_attempt = position is not None and position.stream.startswith(f"{name}/")
    found = ports.logs.after(name, position) if position and is_of_attempt else ports.logs.tail(name)
    return LogView(lines=found.lines, next=to_cursor(found.position))


def list_models(ports: Ports, request: Request, pipeline: str) -> ModelList:
    """Return model versions of one pipeline, newest first."""
    limit = request.limit()
    before = from_cursor(request.query.get("cursor"), int)
    newest_first = reversed(ports.models.versions(pipeline))
    found = [model for model in newest_first if before is None or model.number < before]
    shown, more = found[:limit], found[limit:]
    views = tuple(model_view(model, ModelView) for model in shown)
    return ModelList(versions=views, next=to_cursor(shown[-1].number) if more else None)


def read_card(ports: Ports, model: ModelVersion) -> CardView:
    """Return the model card: what the job wrote of its run, then what the registry knows."""
    written = _read(ports, model, "card.md").decode("utf-8", "replace")
    try:
        definition = ports.pipelines.definition(model.pipeline)
    except NotFound:
        definition = None
    told = registry_sections(trace(ports, model), definition)
    return CardView(markdown=f"{written.rstrip()}\n\n{told}")


def answer_evaluation(ports: Ports, request: Request, model: ModelVersion) -> Response:
    """Return the evaluation that decided last, as the jobs wrote it, with the latencies under ``serving``."""
    decided = [each.basis.evaluation_key for each in model.judgements if each.basis]
    key = (decided and decided[-1]) or evaluation_key(model.pipeline, model.version)
    folder = folder_of(model.pipeline, model.version)
    document = msgspec.json.decode(_read(ports, model, key.removeprefix(folder)), type=dict[str, Any])
    serving = ports.model_files.find(serving_key(key))
    document["serving"] = msgspec.json.decode(serving) if serving else None
    return _immutable(request, msgspec.json.encode(document))


def answer_plot(ports: Ports, request: Request, model: ModelVersion, name: str) -> Response:
    """Return one Vega-Lite specification."""
    if not _PLOT.fullmatch(name):
        raise NotFound(f"{model.pipeline} {model.version} has no plot {name[:64]!r}")
    return _immutable(request, _read(ports, model, f"plots/{name}.vl.json"))


def _read(ports: Ports, model: ModelVersion, name: str) -> bytes:
    try:
        return ports.model_files.bucket.read(f"{folder_of(model.pipeline, model.version)}{name}")
    except NotFound:
        raise NotFound(f"{model.pipeline} {model.version} has no {name}") from None


def _immutable(request: Request, body: bytes) -> Response:
    """Return JSON that never changes: asked for again with its ETag, the answer is 304 without a body."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers: dict[str, Any] = {
        "Content-Type": "application/json",
        "Cache-Control": "private, no-cache",
        "ETag": etag,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response("", headers, 304)
    return Response(body.decode("utf-8", "replace"), headers, 200)
