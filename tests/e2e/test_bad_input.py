"""A file that cannot be used is REJECTED with a reason; nothing is trained; the pipeline goes on."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.stage import Stage, eventually

GOOD = deliveries(7)
HEADER, ROWS = GOOD.split(b"\n", 1)

BAD_FILES = {
    "empty.csv": (b"", "empty_file"),
    "header-only.csv": (HEADER + b"\n", "no_rows"),
    "latin-1.csv": (GOOD.replace(b"post", "pöst".encode("latin-1")), "wrong_encoding"),
    "twice.csv": (HEADER.replace(b"hour", b"distance_km") + b"\n" + ROWS, "duplicate_columns"),
    "no-target.csv": (HEADER.replace(b"late", b"punctual") + b"\n" + ROWS, "missing_column"),
    "model.pkl": (b"\x80\x04\x95", "unsupported_format"),
}


@pytest.fixture(scope="module")
def pipeline(pipelines: Pipelines) -> str:
    """A pipeline that only gets bad files."""
    return pipelines.create("bad-files")


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_rejected_with_its_reason_and_nothing_is_trained(
    stage: Stage, pipelines: Pipelines, pipeline: str, name: str
) -> None:
    body, reason = BAD_FILES[name]
    stage.put_object(pipeline, name, body)
    version = pipelines.settled(pipeline, name)
    assert (version["state"], version["reason"]) == ("REJECTED", reason)
    assert len(version["detail"]) > 20
    assert pipelines.jobs(pipeline) == []


@pytest.mark.parametrize("name", ["deeper/than/one.csv", "bell\x07.csv", "../escape.csv"])
def test_a_hostile_key_is_rejected_and_kept_on_record(
    stage: Stage, pipelines: Pipelines, pipeline: str, name: str
) -> None:
    stage.put_object(pipeline, name, GOOD)

    def probe() -> list[str]:
        keys = [v["key"] for v in pipelines.datasets(pipeline) if v["reason"] == "bad_key"]
        return [key for key in keys if key.endswith(name)]

    assert eventually(probe) == [f"incoming/{pipeline}/{name}"]
    assert pipelines.jobs(pipeline) == []


def test_a_good_file_after_bad_ones_goes_its_way(stage: Stage, pipelines: Pipelines) -> None:
    name = pipelines.create("recovers", retrain={"on": []})
    stage.put_object(name, "bad.csv", b"")
    stage.put_object(name, "good.csv", GOOD)
    assert pipelines.settled(name, "bad.csv")["state"] == "REJECTED"
    assert pipelines.settled(name, "good.csv")["state"] == "READY"


def test_the_command_line_shows_the_reason_and_exits_with_6(
    stage: Stage, pipelines: Pipelines, tmp_path: Path
) -> None:
    name = pipelines.create("shown-by-watch")
    file = tmp_path / "no-target.csv"
    file.write_bytes(BAD_FILES["no-target.csv"][0])
    done = stage.headrace("upload", name, str(file), "--watch")
    assert done.returncode == 6, done.stderr
    assert "missing_column" in done.stdout + done.stderr


def test_an_upload_for_a_pipeline_that_does_not_exist_is_kept_and_explained(stage: Stage) -> None:
    stage.put_object("nobody-made-me", "data.csv", GOOD)

    def probe() -> bool:
        status, _, body = stage.request("GET", "/v1/datasets/nobody-made-me")
        return status == 200 and [v["reason"] for v in body["versions"]] == ["unknown_pipeline"]

    assert eventually(probe)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"records": [RECORD | {"distance_km": "far"}]}, "/records/0/distance_km"),
        ({"records": [RECORD, RECORD | {"surprise": 1}]}, "/records/1/surprise"),
        ({"records": "x"}, "/records"),
        ({"rows": []}, ""),
        (b"{", None),
        (b'{"records": [{"hour": NaN}]}', None),
        ({"records": []}, "/records"),
    ],
)
def test_a_malformed_prediction_is_a_problem_that_names_the_field(
    stage: Stage, released: object, body: object, pointer: str | None
) -> None:
    status, headers, problem = stage.request("POST", "/v1/predictions/deliveries", body)
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert set(problem) >= {"type", "title", "status", "detail", "instance", "request_id"}
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing/here", 403),
        ("GET", "/v1/models/no-such-pipeline/v1", 404),
        ("POST", "/v1/predictions/no-such-pipeline", 404),
        ("DELETE", "/v1/predictions/deliveries", 403),
        ("GET", "/v1/datasets/bad-files/zzz", 404),
    ],
)
def test_what_does_not_exist_is_a_problem_too(stage: Stage, method: str, path: str, status: int) -> None:
    body = {"records": [RECORD]} if method == "POST" else None
    code, headers, problem = stage.request(method, path, body)
    assert code in {status, 404}, problem
    assert headers["Content-Type"] == "application/problem+json", problem


def test_without_a_token_nothing_but_health_answers(stage: Stage) -> None:
    assert stage.request("GET", "/v1/health", Authorization="")[0] == 200
    for path in ("/v1/pipelines", "/v1/models/deliveries", "/v1/endpoints"):
        status, headers, _ = stage.request("GET", path, Authorization="Bearer hr_" + "a" * 43)
        assert (status, headers["Content-Type"]) == (401, "application/problem+json")


def test_a_deleted_pipeline_is_not_there_any_more(stage: Stage, pipelines: Pipelines) -> None:
    name = pipelines.create("deleted")
    assert stage.request("DELETE", f"/v1/pipelines/{name}")[0] in {200, 202, 204}
    assert stage.request("GET", f"/v1/pipelines/{name}")[0] == 404
