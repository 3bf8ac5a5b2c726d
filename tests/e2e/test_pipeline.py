"""From an uploaded file to a prediction, by events alone, on the deployed stage."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.stage import Stage, eventually


def test_a_second_upload_becomes_a_second_version_and_both_jobs_are_on_record(
    stage: Stage, pipelines: Pipelines, released: Callable[[], str]
) -> None:
    name = released()
    states = [(job["state"], job["version"]) for job in pipelines.jobs(name)]
    assert sorted(states) == [("SUCCEEDED", "v1"), ("SUCCEEDED", "v2")]
    versions = {model["version"]: model for model in stage.get(f"/v1/models/{name}")["versions"]}
    assert versions["v1"]["evaluated_champion"] is None
    assert versions["v2"]["evaluated_champion"] == "v1"
    assert {model["state"] for model in versions.values()} == {"APPROVED"}
    outcomes = {verdict["outcome"] for verdict in versions["v2"]["verdicts"]}
    assert outcomes == {"passed"}


def test_a_prediction_names_its_model_and_is_kept_with_its_provenance(
    stage: Stage, released: Callable[[], str]
) -> None:
    name = released()
    status, headers, answer = stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD, RECORD]})
    assert status == 200, answer
    first, second = answer["predictions"]
    assert first["value"] == second["value"]
    assert first["value"] in {0, 1}
    assert abs(sum(first["scores"].values()) - 1) < 1e-9
    assert first["id"] == f"{headers['X-Request-Id']}-0"
    kept = stage.recorded(name, second["id"])
    assert kept["value"] == second["value"]
    assert kept["model_version"] == answer["model_version"]


def test_a_rollback_answers_with_the_old_version_and_forward_again_with_the_new(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("rolled-back")
    for number, month in enumerate(("january", "february"), 1):
        stage.put_object(name, f"{month}.csv", deliveries(number))
        pipelines.live(name, f"v{number}")
    status, _, answer = stage.request("POST", f"/v1/endpoints/{name}/rollback", {"reason": "wrong labels"})
    assert status in {200, 202}, answer

    def answering() -> str:
        version: str = stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})[2][
            "model_version"
        ]
        return version

    assert eventually(lambda: answering() == "v1", within_s=10)
    history = stage.get(f"/v1/endpoints/{name}/history")["entries"]
    assert any("wrong labels" in entry["why"] and entry["to_version"] == "v1" for entry in history)
    status, _, answer = stage.request(
        "POST",
        f"/v1/endpoints/{name}/promote",
        {"version": "v2", "force": True, "reason": "labels were right"},
    )
    assert status in {200, 202}, answer
    pipelines.live(name, "v2")
    assert eventually(lambda: answering() == "v2", within_s=10)


def test_the_same_s3_event_twice_trains_once(stage: Stage, pipelines: Pipelines) -> None:
    name = pipelines.create("told-twice")
    stage.put_object(name, "january.csv", deliveries(3))
    pipelines.live(name, "v1")
    key = f"incoming/{name}/january.csv"
    bucket = "headrace-local-000000000000-incoming"
    version = stage.aws("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": "aws.s3",
        "detail-type": "Object Created",
        "account": "000000000000",
        "region": "us-east-1",
        "time": "2026-01-01T00:00:00Z",
        "resources": [],
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "version-id": version, "size": 1}},
    }
    functions = stage.aws("lambda")
    for _ in range(2):
        answer = functions.invoke(
            FunctionName="headrace-ingest-local-on_object_created", Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
    assert len(pipelines.datasets(name)) == 1
    assert len(pipelines.jobs(name)) == 1


def test_the_same_bytes_again_are_recognised_and_train_nothing(stage: Stage, pipelines: Pipelines) -> None:
    name = pipelines.create("same-bytes")
    stage.put_object(name, "january.csv", deliveries(4))
    pipelines.live(name, "v1")
    stage.put_object(name, "january copy.csv", deliveries(4))
    copy = pipelines.settled(name, "january copy.csv")
    assert copy["state"] == "READY"
    assert copy["duplicate_of"] == pipelines.settled(name, "january.csv")["version"]
    assert len(pipelines.jobs(name)) == 1


def test_the_plain_commands_work_unchanged(stage: Stage, pipelines: Pipelines, tmp_path: Path) -> None:
    """``aws s3 cp`` and ``chalice deploy`` know nothing of Headrace and need nothing but the environment."""
    deployed = stage.run(
        "chalice", "deploy", "--stage", "local", cwd=stage.root / "ingest_service", timeout=180
    )
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    name = pipelines.create("plain-commands", retrain={"on": []})
    file = tmp_path / "a file.csv"
    file.write_bytes(deliveries(5))
    target = f"s3://headrace-local-000000000000-incoming/incoming/{name}/"
    copied = stage.run("aws", "s3", "cp", str(file), target)
    assert copied.returncode == 0, copied.stderr
    assert pipelines.settled(name, "a file.csv")["state"] == "READY"
    assert "not hardened" in stage.headrace("status").stderr
    assert stage.headrace("deploy", "--stage", "local").returncode == 0
    assert "not hardened" not in stage.headrace("status").stderr


def test_the_command_line_tells_the_whole_story(stage: Stage, pipelines: Pipelines, tmp_path: Path) -> None:
    name = pipelines.create("by-command")
    file = tmp_path / "january.csv"
    file.write_bytes(deliveries(6))
    followed = stage.headrace("upload", name, str(file), "--watch", timeout=240)
    assert followed.returncode == 0, followed.stderr
    for word in ("READY", "SUCCEEDED", "roc_auc", "v1", "live"):
        assert word in followed.stdout + followed.stderr
    predicted = stage.headrace("predict", name, "--json", json.dumps(RECORD), "-o", "json")
    assert predicted.returncode == 0, predicted.stderr
    answer: Any = json.loads(predicted.stdout)
    assert "v1" in json.dumps(answer)
    listed = stage.headrace("datasets", "ls", name, "-o", "json")
    assert "READY" in listed.stdout
