"""A pipeline is deleted by force while a model is live, a job runs and another waits; later it is defined again."""

import json
from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.e2e.test_jobs import ended
from tests.e2e.test_releases import Pipeline
from tests.stage import Stage, eventually


def test_a_deleted_pipeline_trains_and_serves_no_more_and_one_defined_again_begins_anew(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("doomed")
    served = Pipeline(stage, name)
    stage.put_object(name, "january.csv", deliveries(51))
    pipelines.live(name, "v1")
    running, waiting = one_runs_one_waits(stage, pipelines, name)

    status, _, problem = stage.request("DELETE", f"/v1/pipelines/{name}")
    assert status == 409
    assert "has 3 dataset versions" in problem["detail"]
    assert served.ask() == (200, "v1")
    deleted = stage.headrace("delete", name, "--yes", "-o", "json")
    assert deleted.returncode == 0, deleted.stderr
    assert "Goes: v1 (live), 2 training jobs" in deleted.stderr

    for job in (running, waiting):
        found = ended(stage, job)
        assert (found["state"], found["reason"][:24]) == ("STOPPED", "the pipeline was deleted")
    assert eventually(lambda: served.row()["outcome"] == "DELETED")
    assert eventually(lambda: served.ask()[0] == 404)
    assert stage.request("POST", f"/v1/endpoints/{name}/promote", {"version": "v1"})[0] == 404
    newest = served.history()[0]
    assert (newest["from_version"], newest["to_version"]) == ("v1", None)
    assert newest["why"] == "the pipeline was deleted"
    served.age()
    served.until(lambda _: not endpoints(stage, served))
    assert [version["alias"] for version in pipelines.datasets(name)] == ["d3", "d2", "d1"]
    assert [model["version"] for model in stage.get(f"/v1/models/{name}")["versions"]] == ["v1"]

    pipelines.create(name)
    status, _, problem = stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})
    assert (status, "was deleted and defined again" in problem["detail"]) == (409, True)
    stage.put_object(name, "april.csv", deliveries(54))
    pipelines.live(name, "v2")
    assert eventually(lambda: served.ask() == (200, "v2"))
    assert len(pipelines.jobs(name)) == 4


def one_runs_one_waits(stage: Stage, pipelines: Pipelines, name: str) -> tuple[str, str]:
    """Upload twice, with a machine that hangs: the stage may run one job at a time."""
    faults = stage.root / "faults.json"
    faults.write_text(json.dumps([{"id": "doomed", "fault": "freeze"}]))
    stage.put_object(name, "february.csv", deliveries(52))
    running = eventually(lambda: _in_state(pipelines, name, "RUNNING"))
    stage.put_object(name, "march.csv", deliveries(53))
    waiting = eventually(lambda: _in_state(pipelines, name, "PENDING"))
    faults.unlink()
    return running[0]["job_id"], waiting[0]["job_id"]


def endpoints(stage: Stage, served: Pipeline) -> list[Any]:
    """Return what SageMaker has under the name of the first version."""
    found: list[Any] = stage.aws("sagemaker").list_endpoints(NameContains=served.endpoint("v1"))["Endpoints"]
    return found


def _in_state(pipelines: Pipelines, name: str, state: str) -> list[dict[str, Any]]:
    return [job for job in pipelines.jobs(name) if job["state"] == state]
