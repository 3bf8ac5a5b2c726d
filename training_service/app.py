"""The training service: planning, training, judging and the registry of model versions."""

from typing import Any

from chalice.app import Chalice, Response
from chalicelib.training import views, wiring
from chalicelib.training.evaluation import Evaluation
from chalicelib.training.lineage import Lineage
from chalicelib.training.pushed_recipes import permit_push
from chalicelib.training.workflow import exporting, reading, reproducing, requests, tracing, triggers

from shared import log
from shared.entities.training import ModelState
from shared.events import DatasetVersionReady, DriftDetected, PipelineDeleted, source
from shared.http.api import Api
from shared.http.authorizer import register_authorizer
from shared.http.middleware import guard
from shared.http.paging import page_response
from shared.http.request import Request

app = Chalice(app_name="headrace-training")
stage = wiring.settings().stage
guard(app, lambda: wiring.origin_secret().values())
bearer = register_authorizer(app, wiring.tokens)
api = Api(app, bearer, log.logger("training"), wiring.replies)

PAGE = {"limit": "1 to 200, 50 if absent", "cursor": "`next` of the page before"}


@api.route(
    "POST",
    "/v1/training-jobs",
    scope="operate",
    body=views.NewTrainingJob,
    response=views.JobView,
    status=202,
    idempotent=True,
)
def create_training_job(request: Request) -> views.JobView:
    """Train a model, or try again a training that ended without one."""
    return views.job_view(stage, requests.request_training(wiring.ports(), request.caller, request.body))


@api.route(
    "GET",
    "/v1/training-jobs",
    scope="read",
    response=views.JobList,
    query={"pipeline": "only its jobs", **PAGE},
)
def list_training_jobs(request: Request) -> Response:
    """List training jobs, newest first."""
    page = reading.list_jobs(wiring.ports(), request)
    return page_response(request, page, page.next)


@api.route("GET", "/v1/training-jobs/{job_id}", scope="read", response=views.JobView)
def get_training_job(request: Request, job_id: str) -> views.JobView:
    """Show a training job."""
    return views.job_view(stage, requests.find_job(wiring.ports(), request.caller, job_id))


@api.route(
    "GET",
    "/v1/training-jobs/{job_id}/log",
    scope="read",
    response=views.LogView,
    query={"cursor": "`next` of the answer before: only what was written since"},
)
def get_training_job_log(request: Request, job_id: str) -> views.LogView:
    """Show the last lines of a training job's log, or those that follow."""
    ports = wiring.ports()
    job = requests.find_job(ports, request.caller, job_id)
    return reading.read_log(ports, job, request.query.get("cursor"))


@api.route(
    "POST",
    "/v1/training-jobs/{job_id}/stop",
    scope="operate",
    response=views.JobView,
    status=202,
    idempotent=True,
)
def stop_training_job(request: Request, job_id: str) -> views.JobView:
    """Stop a training job."""
    return views.job_view(stage, requests.request_stop(wiring.ports(), request.caller, job_id))


@api.route(
    "POST",
    "/v1/recipes",
    scope="operate",
    body=views.NewRecipe,
    response=views.PushedRecipe,
    status=201,
    idempotent=True,
)
def push_recipe(request: Request) -> views.PushedRecipe:
    """Get leave to upload a recipe of one's own, named by the hash of its tarball."""
    ports = wiring.ports()
    return permit_push(ports.model_files.bucket, request.body.sha256, ports.clock)


@api.route("GET", "/v1/models/{pipeline}", scope="read", response=views.ModelList, query=PAGE)
def list_models(request: Request, pipeline: str) -> Response:
    """List a pipeline's model versions, newest first."""
    page = reading.list_models(wiring.ports(), request, pipeline)
    return page_response(request, page, page.next)


@api.route("GET", "/v1/models/{pipeline}/{version}", scope="read", response=views.ModelDetails)
def get_model(request: Request, pipeline: str, version: str) -> views.ModelDetails:
    """Show a model version."""
    return views.model_view(wiring.ports().models.get(pipeline, version), views.ModelDetails)


@api.route("GET", "/v1/models/{pipeline}/{version}/evaluation", scope="read", response=Evaluation)
def get_model_evaluation(request: Request, pipeline: str, version: str) -> Response:
    """Show how a model version was judged beside champion and baseline."""
    ports = wiring.ports()
    return reading.answer_evaluation(ports, request, ports.models.get(pipeline, version))


@api.route("GET", "/v1/models/{pipeline}/{version}/plots/{name}", scope="read", response=dict[str, Any])
def get_model_plot(request: Request, pipeline: str, version: str, name: str) -> Response:
    """Show one plot of a model version as a Vega-Lite specification."""
    ports = wiring.ports()
    return reading.answer_plot(ports, request, ports.models.get(pipeline, version), name)


@api.route("GET", "/v1/models/{pipeline}/{version}/card", scope="read", response=views.CardView)
def get_model_card(request: Request, pipeline: str, version: str) -> views.CardView:
    """Show the model card."""
    ports = wiring.ports()
    return reading.read_card(ports, ports.models.get(pipeline, version))


@api.route("GET", "/v1/models/{pipeline}/{version}/onnx", scope="read", response=views.ExportView)
def get_model_onnx(request: Request, pipeline: str, version: str) -> views.ExportView:
    """Show where the model can be fetched as ONNX."""
    ports = wiring.ports()
    return exporting.find_onnx(ports, ports.models.get(pipeline, version))


@api.route("GET", "/v1/models/{pipeline}/{version}/lineage", scope="read", response=Lineage)
def get_model_lineage(request: Request, pipeline: str, version: str) -> Lineage:
    """Show where a model version comes from, down to the uploads, and whether each link holds."""
    ports = wiring.ports()
    return tracing.trace(ports, ports.models.get(pipeline, version))


@api.route(
    "POST",
    "/v1/models/{pipeline}/{version}/reproduce",
    scope="operate",
    response=views.ReproductionView,
    status=202,
    idempotent=True,
)
def reproduce_model(request: Request, pipeline: str, version: str) -> views.ReproductionView:
    """Train a model version again from its recorded inputs, to compare; never to release."""
    ports = wiring.ports()
    return reproducing.request_reproduction(ports, ports.models.get(pipeline, version))


@api.route(
    "GET",
    "/v1/models/{pipeline}/{version}/reproductions/{job_id}",
    scope="read",
    response=views.ReproductionView,
)
def get_reproduction(request: Request, pipeline: str, version: str, job_id: str) -> views.ReproductionView:
    """Show how a repeated training compares with the model version."""
    ports = wiring.ports()
    return reproducing.read_reproduction(ports, ports.models.get(pipeline, version), job_id)


@api.route(
    "POST",
    "/v1/models/{pipeline}/{version}/approve",
    scope="operate",
    body=views.PersonsDecision,
    response=views.ModelDetails,
    idempotent=True,
)
def approve_model(request: Request, pipeline: str, version: str) -> views.ModelDetails:
    """Approve a model version that waits for a person."""
    return _decide(request, pipeline, version, ModelState.APPROVED)


@api.route(
    "POST",
    "/v1/models/{pipeline}/{version}/reject",
    scope="operate",
    body=views.PersonsDecision,
    response=views.ModelDetails,
    idempotent=True,
)
def reject_model(request: Request, pipeline: str, version: str) -> views.ModelDetails:
    """Reject a model version that waits for a person."""
    return _decide(request, pipeline, version, ModelState.REJECTED)


@api.route(
    "POST",
    "/v1/models/{pipeline}/{version}/judge",
    scope="operate",
    response=views.ModelDetails,
    status=202,
    idempotent=True,
)
def judge_model(request: Request, pipeline: str, version: str) -> views.ModelDetails:
    """Judge a model version by the gate and the live version of now, without training."""
    ports = wiring.ports()
    judged = requests.request_judgement(ports, ports.models.get(pipeline, version))
    return views.model_view(judged, views.ModelDetails)


def _decide(request: Request, pipeline: str, version: str, state: ModelState) -> views.ModelDetails:
    ports = wiring.ports()
    model = ports.models.get(pipeline, version)
    decided = requests.request_decision(ports, request.caller, model, state, request.body.reason)
    return views.model_view(decided, views.ModelDetails)


@app.on_cw_event({"source": [source(stage, "ingest")], "detail-type": ["DatasetVersionReady"]})
def on_dataset_version_ready(event: Any) -> None:
    """New data: plan and start its training."""
    triggers.on_dataset_version_ready(wiring.ports(), DatasetVersionReady.from_detail(event.detail))


@app.on_cw_event({"source": [source(stage, "ingest")], "detail-type": ["PipelineDeleted"]})
def on_pipeline_deleted(event: Any) -> None:
    """A pipeline is gone: stop what it trains."""
    triggers.on_pipeline_deleted(wiring.ports(), PipelineDeleted.from_detail(event.detail))


@app.on_cw_event({"source": [source(stage, "inference")], "detail-type": ["DriftDetected"]})
def on_drift_detected(event: Any) -> None:
    """What is live has drifted: train on what came since, where the pipeline wants that."""
    triggers.on_drift_detected(wiring.ports(), DriftDetected.from_detail(event.detail))


@app.on_cw_event(
    {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobName": [{"prefix": f"headrace-{stage}-"}]},
    }
)
def on_training_job_state_change(event: Any) -> None:
    """SageMaker says a job of this stage has changed: look where it is."""
    triggers.on_training_job_state_change(wiring.ports(), str(event.detail["TrainingJobName"]))


@app.on_cw_event(
    {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [{"prefix": f"headrace-{stage}-"}]},
    }
)
def on_model_package_state_change(event: Any) -> None:
    """SageMaker says a model package of this stage has changed: look whether a person has decided there."""
    triggers.on_model_package_state_change(wiring.ports(), str(event.detail["ModelPackageArn"]))


@app.schedule("rate(1 minute)", name="reconcile")
def reconcile(event: Any) -> None:
    """Mend what events and crashes left undone."""
    triggers.on_minute(wiring.ports())
