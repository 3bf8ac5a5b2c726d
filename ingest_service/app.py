"""The ingest service: uploads become dataset versions; pipelines are defined here."""

from typing import Any

from chalice.app import Chalice, Response
from chalicelib.ingest import administer, browse, upload_views, uploads, views, wiring, workflow
from chalicelib.ingest import reconcile as ticks
from chalicelib.ingest.keys import PREFIX, Upload
from chalicelib.ingest.profiling.differences import VersionComparison

from shared import log, metrics
from shared.entities.pipeline import PipelineDefinition
from shared.http.answer import JSON, json_answer, text_answer
from shared.http.api import Api
from shared.http.authorizer import register_authorizer
from shared.http.middleware import guard
from shared.http.paging import page_response
from shared.http.request import Request

app = Chalice(app_name="headrace-ingest")
guard(app, lambda: wiring.origin_secret().values())
bearer = register_authorizer(app, wiring.tokens)
api = Api(app, bearer, wiring.LOG, wiring.replies)

PAGING = {"limit": "entries per page, 1 to 200", "cursor": "`next` of the page before"}
FILENAME = {"filename": "the name the upload was begun with (required)"}
CREATED_BY_S3 = {
    "source": ["aws.s3"],
    "detail-type": ["Object Created"],
    "detail": {
        "bucket": {"name": [wiring.settings().incoming_bucket]},
        "object": {"key": [{"prefix": PREFIX}]},
    },
}


@app.on_cw_event(CREATED_BY_S3)
def on_object_created(event: Any) -> None:
    """Make a dataset version of an uploaded object."""
    upload = Upload.of_event(event.detail)
    # Not the key: what people call their files is theirs, and the row of the version has it.
    log.start(correlation_id=upload.version, pipeline=upload.pipeline)
    workflow.handle_upload(upload, event.context.aws_request_id, wiring.adapters())


@app.on_cw_event(
    {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Processing Job State Change"],
        "detail": {
            "ProcessingJobName": [{"prefix": f"headrace-{wiring.settings().stage}-ingest-"}],
            "ProcessingJobStatus": ["Completed", "Failed", "Stopped"],
        },
    }
)
def on_processing_job_state_change(event: Any) -> None:
    """SageMaker says that a job of this stage has ended: take what it left."""
    name = str(event.detail["ProcessingJobName"])
    log.start(processing_job=name)
    workflow.handle_job_change(name, event.context.aws_request_id, wiring.adapters())


@app.schedule("rate(1 minute)", name="reconcile")
def reconcile(event: Any) -> None:
    """Do what lost events, crashes and expired leases left undone."""
    log.start(request_id=event.context.aws_request_id)
    ticks.reconcile(event.context.aws_request_id, wiring.adapters())
    metrics.tell_alive(wiring.settings().stage, "ingest")


@api.route("GET", "/v1/pipelines", scope="read", response=views.PipelineList)
def list_pipelines(request: Request) -> views.PipelineList:
    """List the pipelines the token may touch."""
    found = [p for p in wiring.adapters().pipelines.read.all() if request.caller.may_touch(p.pipeline)]
    return views.PipelineList(pipelines=[views.pipeline_view(p) for p in found])


@api.route("GET", "/v1/pipelines/{pipeline}", scope="read", response=views.PipelineView)
def get_pipeline(request: Request, pipeline: str) -> Response:
    """Show a pipeline's definition with every default."""
    return _tagged(wiring.adapters().pipelines.read.get(pipeline), 200)


@api.route(
    "PUT",
    "/v1/pipelines/{pipeline}",
    scope="operate",
    body=PipelineDefinition,
    response=views.PipelineView,
)
def put_pipeline(request: Request, pipeline: str) -> Response:
    """Create a pipeline or replace its definition."""
    if_match = request.headers.get("if-match")
    stored, is_new = administer.put_pipeline(wiring.adapters(), pipeline, request.body, if_match)
    return _tagged(stored, 201 if is_new else 200)


@api.route(
    "POST",
    "/v1/pipelines/{pipeline}/validate",
    scope="read",
    body=PipelineDefinition,
    response=views.EffectiveDefinition,
)
def validate_pipeline(request: Request, pipeline: str) -> views.EffectiveDefinition:
    """Check a definition without storing it, and show it with every default."""
    return administer.effective_definition(pipeline, request.body)


@api.route(
    "DELETE",
    "/v1/pipelines/{pipeline}",
    scope="operate",
    response=views.DeletedPipeline,
    query={
        "force": "`true`: also a pipeline that has dataset versions, from which models may serve and jobs may train; "
        "without it the answer is 409 then"
    },
)
def delete_pipeline(request: Request, pipeline: str) -> views.DeletedPipeline:
    """Delete a pipeline: its jobs and batches are stopped, its endpoints deleted; its data and models stay."""
    return administer.delete_pipeline(
        wiring.adapters(),
        pipeline,
        request.caller.token_id or "a person",
        force=request.query.get("force") == "true",
        if_match=request.headers.get("if-match"),
    )


@api.route(
    "POST",
    "/v1/datasets/{pipeline}/uploads",
    scope="upload",
    body=upload_views.UploadRequest,
    response=upload_views.UploadView,
    status=201,
    idempotent=True,
)
def permit_upload(request: Request, pipeline: str) -> upload_views.UploadView:
    """Begin to upload one file: with a form up to 64 MiB, in parts above."""
    return uploads.permit_upload(wiring.adapters(), pipeline, request.body)


@api.route(
    "POST",
    "/v1/datasets/{pipeline}/uploads/{upload_id}/parts",
    scope="upload",
    body=upload_views.PartsRequest,
    response=upload_views.SignedParts,
)
def sign_parts(request: Request, pipeline: str, upload_id: str) -> upload_views.SignedParts:
    """Get addresses for the next parts of an upload, up to 100 at a time."""
    return uploads.sign_parts(wiring.adapters(), pipeline, upload_id, request.body)


@api.route(
    "GET",
    "/v1/datasets/{pipeline}/uploads/{upload_id}",
    scope="upload",
    response=upload_views.ArrivedParts,
    query=FILENAME,
)
def show_upload(request: Request, pipeline: str, upload_id: str) -> upload_views.ArrivedParts:
    """List the parts of an unfinished upload that have arrived."""
    return uploads.show_upload(wiring.adapters(), pipeline, upload_id, request.query.get("filename"))


@api.route(
    "POST",
    "/v1/datasets/{pipeline}/uploads/{upload_id}/complete",
    scope="upload",
    body=upload_views.CompleteRequest,
    response=upload_views.CompletedUpload,
)
def complete_upload(request: Request, pipeline: str, upload_id: str) -> upload_views.CompletedUpload:
    """Make one file of the parts; safe to repeat."""
    return uploads.complete_upload(wiring.adapters(), pipeline, upload_id, request.body)


@api.route(
    "DELETE",
    "/v1/datasets/{pipeline}/uploads/{upload_id}",
    scope="upload",
    status=204,
    query=FILENAME,
)
def abort_upload(request: Request, pipeline: str, upload_id: str) -> None:
    """Throw an unfinished upload away."""
    uploads.abort_upload(wiring.adapters(), pipeline, upload_id, request.query.get("filename"))


@api.route("GET", "/v1/datasets/{pipeline}", scope="read", response=views.VersionList, query=PAGING)
def list_versions(request: Request, pipeline: str) -> Response:
    """List a pipeline's dataset versions, newest first."""
    page = browse.list_versions(wiring.adapters(), pipeline, request.limit(), request.query.get("cursor"))
    return page_response(request, page, page.next)


@api.route("GET", "/v1/datasets/{pipeline}/{version}", scope="read", response=views.VersionView)
def get_version(request: Request, pipeline: str, version: str) -> views.VersionView:
    """Show one dataset version, by its id, by its alias (d7) or as `latest`."""
    return views.version_view(browse.find_version(wiring.adapters(), pipeline, version))


@api.route("GET", "/v1/datasets/{pipeline}/{version}/profile", scope="read")
def get_profile(request: Request, pipeline: str, version: str) -> Response:
    """Show what the good rows of a version look like, column by column."""
    row = browse.find_version(wiring.adapters(), pipeline, version)
    return text_answer(browse.read_profile(wiring.adapters(), row), JSON)


@api.route("GET", "/v1/datasets/{pipeline}/{version}/profile/plots", scope="read")
def get_plots(request: Request, pipeline: str, version: str) -> Response:
    """Draw the profile of a version: a Vega-Lite page that holds its own data."""
    row = browse.find_version(wiring.adapters(), pipeline, version)
    return json_answer(browse.draw_profile(wiring.adapters(), row))


@api.route(
    "GET",
    "/v1/datasets/{pipeline}/diff",
    scope="read",
    response=VersionComparison,
    query={"from": "the version before: its id, `d7` or `latest`", "to": "the version after"},
)
def compare_versions(request: Request, pipeline: str) -> Response:
    """Compare two READY versions column by column, what changed most first."""
    names = (request.query.get("from"), request.query.get("to"))
    found = browse.compare_versions(wiring.adapters(), pipeline, *names)
    return json_answer(found)


@api.route(
    "GET",
    "/v1/datasets/{pipeline}/{version}/rejects",
    scope="read",
    response=views.RejectList,
    query=PAGING,
)
def list_rejects(request: Request, pipeline: str, version: str) -> Response:
    """List the rows of a version that broke a rule, in file order."""
    row = browse.find_version(wiring.adapters(), pipeline, version)
    page = browse.list_rejects(wiring.adapters(), row, request.limit(), request.query.get("cursor"))
    return page_response(request, page, page.next)


def _tagged(pipeline: Any, status: int) -> Response:
    return json_answer(views.pipeline_view(pipeline), status, {"ETag": administer.etag(pipeline)})
