"""The REST API, through Chalice's own test client, on the in-memory world."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalice.test import Client
from chalicelib.training import wiring
from chalicelib.training.job import Job
from chalicelib.training.paging import to_cursor
from chalicelib.training.settings import TrainingSettings

from shared.entities.training import JobState, ModelState
from shared.errors import NotFound
from shared.events import ModelVersionApproved, ModelVersionRejected
from tests.unit.training.test_comparing import evaluations, overtaken
from tests.unit.training.world import World

SERVICE = Path(__file__).parents[3] / "training_service"
ENV = {
    "STAGE": "test",
    "IDEMPOTENCY_TABLE": "i",
    "ORIGIN_SECRET_ARN": "o",
    "TOKENS_TABLE": "t",
    "PIPELINES_TABLE": "p",
    "DATASETS_TABLE": "d",
    "RELEASES_TABLE": "r",
    "JOBS_TABLE": "j",
    "MODELS_TABLE": "m",
    "DATA_BUCKET": "data",
    "MODELS_BUCKET": "models",
    "SAGEMAKER_ROLE_ARN": "role",
    "SIGNING_KEY_ARN": "key",
    "TRAINING_IMAGE_URI": "image",
    "RECIPES": '{"tabular": "abc"}',
}


class Secret:
    def values(self) -> tuple[str, ...]:
        return ("s3cret",)


class Api:
    """Sends requests as API Gateway would after the authorizer has answered."""

    def __init__(self, app: Any, world: World) -> None:
        self.app, self.world = app, world

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        scopes: str = "read operate",
        pipelines: str = "*",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        with Client(self.app) as client:
            gateway: Any = client.http._local_gateway
            gateway._authorizer.authorize = lambda path, event, context: (
                _with_claims(event, scopes, pipelines),
                context,
            )
            answer = client.http.request(
                method,
                path,
                headers={
                    "Content-Type": "application/json",
                    "x-headrace-origin": "s3cret",
                    "Authorization": "Bearer x",
                    **(headers or {}),
                },
                body=json.dumps(body).encode() if body is not None else b"",
            )
        self.headers = answer.headers
        return answer.status_code, json.loads(answer.body) if answer.body else None


def _with_claims(event: Any, scopes: str, pipelines: str) -> Any:
    event["requestContext"]["authorizer"] = {
        "principalId": "t1",
        "scopes": scopes,
        "pipelines": pipelines,
    }
    return event


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    wiring.settings.cache_clear()
    spec = importlib.util.spec_from_file_location("training_app", SERVICE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    world = World()
    monkeypatch.setattr(wiring, "ports", lambda: world.ports)
    monkeypatch.setattr(wiring, "origin_secret", Secret)
    yield Api(module.app, world)
    wiring.settings.cache_clear()


def trained(api: Api, **definition: Any) -> str:
    """Bring one model version into being and return its job's id."""
    api.world.define(**definition)
    api.world.ready(api.world.dataset(1))
    job = api.world.only_job()
    api.world.complete(job)
    api.world.changed(job)
    return job.job_id


def test_a_training_is_accepted_and_can_be_followed(api: Api) -> None:
    api.world.dataset(1)
    status, job = api.call("POST", "/v1/training-jobs", {"pipeline": "flights"})
    assert (status, job["state"], job["dataset_version"]) == (202, "RUNNING", "d1")
    status, again = api.call("POST", "/v1/training-jobs", {"pipeline": "flights"})
    assert (status, again["job_id"]) == (202, job["job_id"])
    assert len(api.world.sagemaker.created) == 1
    assert api.call("GET", f"/v1/training-jobs/{job['job_id']}")[1]["sagemaker_job"].endswith("-a1")


def test_a_training_without_data_says_what_to_do(api: Api) -> None:
    status, problem = api.call("POST", "/v1/training-jobs", {"pipeline": "flights"})
    assert (status, problem["title"]) == (409, "Conflict")
    assert "upload data first" in problem["detail"]


def test_a_copy_of_other_data_is_refused_by_name(api: Api) -> None:
    api.world.dataset(1)
    api.world.dataset(2, duplicate_of="d1")
    body = {"pipeline": "flights", "dataset_version": "d2"}
    assert "train that" in api.call("POST", "/v1/training-jobs", body)[1]["detail"]


def test_retry_revives_what_failed_and_refuses_what_succeeded(api: Api) -> None:
    api.world.ready(api.world.dataset(1))
    job = api.world.only_job()
    api.world.sagemaker.move(api.world.name(job), "Failed", reason="AlgorithmError: x")
    api.world.changed(job)
    body = {"pipeline": "flights", "retry": True}
    status, revived = api.call("POST", "/v1/training-jobs", body)
    assert (status, revived["state"], revived["attempt"]) == (202, "RUNNING", 2)
    job = api.world.only_job()
    api.world.complete(job)
    api.world.changed(job)
    assert api.call("POST", "/v1/training-jobs", body)[0] == 409


def failed(api: Api) -> Job:
    api.world.ready(api.world.dataset(1))
    job = api.world.only_job()
    api.world.logs.lines[api.world.name(job)] = ("Traceback", "ValueError: token=abc in /opt/ml/code/x.py")
    api.world.sagemaker.move(api.world.name(job), "Failed", reason="AlgorithmError: x")
    api.world.changed(job)
    return job


def test_a_failed_job_is_answered_with_its_reason_and_its_last_lines(api: Api) -> None:
    view = api.call("GET", f"/v1/training-jobs/{failed(api).job_id}")[1]
    assert view["reason"] == "AlgorithmError: x"
    assert view["log_tail"] == ["Traceback", "ValueError: token=<secret> in <path>"]


def test_a_job_named_by_its_id_is_retried_whatever_is_live_by_now(api: Api) -> None:
    job = failed(api)
    api.world.define(train={"max_minutes": 90, "instance": "ml.c5.xlarge"})
    body = {"pipeline": "flights", "job_id": job.job_id, "retry": True}
    status, revived = api.call("POST", "/v1/training-jobs", body)
    assert (status, revived["job_id"], revived["attempt"], revived["log_tail"]) == (202, job.job_id, 2, [])
    # The same inputs, on what the pipeline gives by now: else raising max_minutes would change nothing.
    request = api.world.sagemaker.created[-1]
    assert request["ResourceConfig"]["InstanceType"] == "ml.c5.xlarge"
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 5400}
    assert request["Environment"] == api.world.sagemaker.created[0]["Environment"] | {"OMP_NUM_THREADS": "4"}


def test_a_job_of_another_pipeline_or_of_nobody_is_not_retried(api: Api) -> None:
    job = failed(api)
    api.world.define(name="other")
    for pipeline, job_id in (("other", job.job_id), ("flights", "0" * 20)):
        body = {"pipeline": pipeline, "job_id": job_id, "retry": True}
        assert api.call("POST", "/v1/training-jobs", body)[0] == 404
    assert api.world.only_job().attempt == 1


@pytest.mark.parametrize("more", [{}, {"retry": True, "dataset_version": "d1"}])
def test_a_job_id_goes_with_retry_alone(api: Api, more: dict[str, Any]) -> None:
    body = {"pipeline": "flights", "job_id": failed(api).job_id, **more}
    assert api.call("POST", "/v1/training-jobs", body)[0] == 400


def test_a_page_of_jobs_links_to_the_next_and_the_last_does_not(api: Api) -> None:
    for ordinal in (1, 2, 3):
        api.world.ready(api.world.dataset(ordinal))
        api.world.clock.advance(1)
    page = api.call("GET", "/v1/training-jobs?pipeline=flights&limit=2")[1]
    link = api.headers["Link"]
    assert link == f'</v1/training-jobs?pipeline=flights&limit=2&cursor={page["next"]}>; rel="next"'
    rest = api.call("GET", link[1 : link.index(">")])[1]
    assert [job["dataset_version"] for job in rest["jobs"]] == ["d1"]
    assert "Link" not in api.headers


def test_jobs_are_listed_newest_first_and_page_by_page(api: Api) -> None:
    for ordinal in (1, 2, 3):
        api.world.ready(api.world.dataset(ordinal))
        api.world.clock.advance(1)
    status, page = api.call("GET", "/v1/training-jobs?pipeline=flights&limit=2")
    assert (status, [job["dataset_version"] for job in page["jobs"]]) == (200, ["d3", "d2"])
    _, rest = api.call("GET", f"/v1/training-jobs?pipeline=flights&limit=2&cursor={page['next']}")
    assert ([job["dataset_version"] for job in rest["jobs"]], rest["next"]) == (["d1"], None)
    _, everything = api.call("GET", "/v1/training-jobs")
    assert [job["dataset_version"] for job in everything["jobs"]] == ["d3", "d2", "d1"]


# DynamoDB refuses a start without a key.
NOWHERE = to_cursor({"job_id": "", "pipeline": "flights", "created_at": ""})


@pytest.mark.parametrize("cursor", ["zzz", "e30", "bnVsbA", "eyJqb2JfaWQiOiJ4In0", "%00", NOWHERE])
def test_a_cursor_of_another_list_is_refused(api: Api, cursor: str) -> None:
    path = f"/v1/training-jobs?pipeline=flights&cursor={cursor}"
    assert api.call("GET", path)[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/training-jobs/{job}"),
        ("GET", "/v1/training-jobs/{job}/log"),
        ("POST", "/v1/training-jobs/{job}/stop"),
        ("GET", "/v1/training-jobs?pipeline=flights"),
        ("GET", "/v1/models/flights"),
        ("GET", "/v1/models/flights/v1"),
    ],
)
def test_another_ones_pipeline_does_not_exist(api: Api, method: str, path: str) -> None:
    job = trained(api)
    assert api.call(method, path.format(job=job), pipelines="others")[0] == 404
    body = {"pipeline": "flights"}
    assert api.call("POST", "/v1/training-jobs", body, pipelines="others")[0] == 404
    assert api.call("GET", "/v1/training-jobs", pipelines="others")[1]["jobs"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/training-jobs", {"pipeline": "flights"}),
        ("/v1/training-jobs/x/stop", None),
        ("/v1/models/flights/v1/approve", {"reason": "x"}),
        ("/v1/models/flights/v1/reject", {"reason": "x"}),
    ],
)
def test_changes_need_the_scope_operate(api: Api, path: str, body: Any) -> None:
    assert api.call("POST", path, body, scopes="read predict upload")[0] == 403


def test_a_running_job_is_stopped_and_an_ended_one_is_a_conflict(api: Api) -> None:
    api.world.ready(api.world.dataset(1))
    job = api.world.only_job()
    status, stopping = api.call("POST", f"/v1/training-jobs/{job.job_id}/stop")
    assert (status, stopping["state"]) == (202, "STOPPING")
    api.world.sagemaker.move(api.world.name(job), "Stopped")
    api.world.changed(job)
    assert api.world.only_job().state is JobState.STOPPED
    assert api.call("POST", f"/v1/training-jobs/{job.job_id}/stop")[0] == 409


def test_the_log_is_that_of_the_present_attempt(api: Api) -> None:
    api.world.ready(api.world.dataset(1))
    job = api.world.only_job()
    api.world.logs.lines[api.world.name(job)] = ("a", "b")
    path = f"/v1/training-jobs/{job.job_id}/log"
    status, first = api.call("GET", path)
    assert (status, first["lines"]) == (200, ["a", "b"])
    api.world.logs.lines[api.world.name(job)] += ("c",)
    assert api.call("GET", f"{path}?cursor={first['next']}")[1]["lines"] == ["c"]


def test_a_model_version_shows_how_it_was_judged_and_whence_it_comes(api: Api) -> None:
    job_id = trained(api)
    _, listed = api.call("GET", "/v1/models/flights")
    assert [(v["version"], v["state"], v["job_id"]) for v in listed["versions"]] == [
        ("v1", "APPROVED", job_id)
    ]
    _, model = api.call("GET", "/v1/models/flights/v1")
    assert [v["outcome"] for v in model["verdicts"]] == ["passed", "skipped", "passed"]
    assert model["inputs"]["inputs"][0]["name"] == "distance"
    _, evaluation = api.call("GET", "/v1/models/flights/v1/evaluation")
    assert evaluation["rows"] == 500
    assert api.call("GET", "/v1/models/flights/v1/plots/calibration")[1] == {"mark": "line"}
    card = api.call("GET", "/v1/models/flights/v1/card")[1]["markdown"]
    assert card.startswith("# flights\n\n## Intended use\n")
    _, lineage = api.call("GET", "/v1/models/flights/v1/lineage")
    assert lineage["manifest"]["job_id"] == job_id
    assert lineage["manifest_signature"] == api.world.models()[0].manifest_signature


def test_what_never_changes_is_answered_once(api: Api) -> None:
    trained(api)
    api.call("GET", "/v1/models/flights/v1/evaluation")
    etag = {"If-None-Match": api.headers["ETag"]}
    assert api.call("GET", "/v1/models/flights/v1/evaluation", headers=etag) == (304, None)


@pytest.mark.parametrize("path", ["v2", "v1/plots/nope", "v1/plots/..%2Fcard", "v1x/card"])
def test_what_is_not_there_is_404_and_says_so(api: Api, path: str) -> None:
    trained(api)
    status, problem = api.call("GET", f"/v1/models/flights/{path}")
    assert (status, problem["title"]) == (404, "Not found")


def test_the_tables_own_entries_are_no_pipeline(api: Api) -> None:
    trained(api)
    models = api.world.ports.models
    assert models.table.get("#counters", "flights") is not None
    assert models.versions("#counters") == []
    with pytest.raises(NotFound):
        models.get("#counters", "flights")


def test_model_versions_come_newest_first_by_number(api: Api) -> None:
    for ordinal in range(1, 12):
        api.world.ready(api.world.dataset(ordinal))
        job = api.world.jobs()[-1]
        api.world.complete(job)
        api.world.changed(job)
    _, page = api.call("GET", "/v1/models/flights?limit=2")
    assert [v["version"] for v in page["versions"]] == ["v11", "v10"]
    _, page = api.call("GET", f"/v1/models/flights?limit=200&cursor={page['next']}")
    assert ([v["version"] for v in page["versions"]][:1], page["next"]) == (["v9"], None)


@pytest.mark.parametrize(
    ("word", "state", "event"),
    [
        ("approve", ModelState.APPROVED, ModelVersionApproved),
        ("reject", ModelState.REJECTED, ModelVersionRejected),
    ],
)
def test_a_person_decides_once_and_for_a_reason(api: Api, word: str, state: ModelState, event: Any) -> None:
    trained(api, release={"approval": "person"})
    assert api.world.models()[0].state is ModelState.PENDING_APPROVAL
    assert api.world.bus.named(event) == []
    path = f"/v1/models/flights/v1/{word}"
    assert api.call("POST", path, {})[0] == 422
    status, model = api.call("POST", path, {"reason": "looks good"})
    assert (status, model["state"]) == (200, state)
    assert model["reasons"][-1].endswith("by t1: looks good")
    assert model["verdicts"][-1]["clause"] == "person"
    assert len(api.world.bus.named(event)) == 1
    assert api.call("POST", path, {"reason": "again"})[0] == 409


def test_a_rejected_version_stays_rejected(api: Api) -> None:
    trained(api, gate=["roc_auc >= 0.99"])
    assert api.world.models()[0].state is ModelState.REJECTED
    assert api.call("POST", "/v1/models/flights/v1/approve", {"reason": "please"})[0] == 409


def test_who_changed_the_gate_need_not_wait_for_the_minute_and_sees_both_judgements(api: Api) -> None:
    trained(api, gate=["roc_auc >= 0.99"])
    api.world.define(gate=["roc_auc >= 0.60"])
    status, model = api.call("POST", "/v1/models/flights/v1/judge", {})
    assert (status, model["state"]) == (202, ModelState.APPROVED)
    assert [each["basis"]["gate"] for each in model["judgements"]] == [
        ["roc_auc >= 0.99"],
        ["roc_auc >= 0.60"],
    ]
    assert [each["state"] for each in model["judgements"]] == ["REJECTED", "APPROVED"]


def test_the_gate_does_not_overrule_a_person_nor_judge_what_serves(api: Api) -> None:
    trained(api, release={"approval": "person"})
    api.call("POST", "/v1/models/flights/v1/approve", {"reason": "looks good"})
    status, problem = api.call("POST", "/v1/models/flights/v1/judge", {})
    assert (status, problem["detail"]) == (
        409,
        "a person decided about v1; the gate does not overrule that",
    )
    api.world.go_live("v1")
    assert api.call("POST", "/v1/models/flights/v1/judge", {})[0] == 409


def test_a_comparison_that_failed_is_tried_again_when_asked_for(api: Api) -> None:
    world = overtaken()
    api.world.ports = world.ports
    (job,) = evaluations(world)
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: no rows")
    world.changed(job)
    world.tick()
    assert world.models()[-1].state is ModelState.NEEDS_PERSON
    assert api.call("POST", "/v1/models/flights/v2/judge", {})[0] == 202
    assert world.ports.jobs.get(job.job_id).state is JobState.RUNNING


def test_every_route_has_the_authorizer_and_a_policy_exists_for_every_function(api: Api) -> None:
    entries = [entry for methods in api.app.routes.values() for entry in methods.values()]
    assert all(entry.authorizer is not None for entry in entries)
    views = {entry.view_function.__name__ for entry in entries}
    templates = SERVICE / ".chalice" / "templates"
    config = json.loads((templates / "config.json").read_text())
    functions = config["stages"]["${Stage}"]["lambda_functions"]
    assert set(api.app.handler_map) - views | {"api_handler"} == set(functions)
    for function in functions.values():
        assert (templates / function["iam_policy_file"]).is_file()


def test_the_environment_of_the_config_is_what_the_settings_need() -> None:
    config = json.loads((SERVICE / ".chalice" / "templates" / "config.json").read_text())
    given = set(config["stages"]["${Stage}"]["environment_variables"])
    needed = {field.name.upper() for field in msgspec.structs.fields(TrainingSettings)}
    assert needed <= given


def test_a_recipe_is_pushed_by_a_form_for_its_own_key_and_by_operators_only(api: Api) -> None:
    sha256 = "ab" * 32
    status, granted = api.call("POST", "/v1/recipes", {"sha256": sha256})
    assert (status, granted["recipe"], granted["max_bytes"]) == (201, sha256, 20 * 1024 * 1024)
    assert granted["upload"]["fields"]["key"] == f"code/{sha256}/sourcedir.tar.gz"
    assert api.call("POST", "/v1/recipes", {"sha256": sha256}, scopes="read upload")[0] == 403
    assert api.call("POST", "/v1/recipes", {"sha256": "../models"})[0] == 422
