"""Batches through the deployed stage: thousands of rows by the endpoint, a hundred thousand by a transform job."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.data import deliveries
from tests.e2e.variables import variables
from tests.stage import Stage, eventually

ROWS, MANY = 3000, 100_000
FUNCTION = "headrace-inference-local"


def orders(count: int, bad: tuple[int, ...]) -> list[str]:
    """Return the lines of a file of orders; those of the rows *bad* have no number where one must be."""
    lines = deliveries(9, rows=count).decode().splitlines()
    for row in bad:
        cells = lines[row].split(",")
        lines[row] = ",".join([cells[0], "far", *cells[2:]])
    return lines


def predicted(stage: Stage, pipeline: str, lines: list[str], folder: Path) -> dict[str, Any]:
    """Have a file predicted by the command, and return what it tells of the batch."""
    file = folder / "orders.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = stage.headrace("-o", "json", "batch", pipeline, str(file), "--watch", timeout=110)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_file_of_thousands_is_predicted_in_order_and_its_bad_rows_are_explained(
    stage: Stage, released: Callable[[], str], tmp_path: Path
) -> None:
    lines = orders(ROWS, bad=(17, 2900))
    told = predicted(stage, released(), lines, tmp_path)
    assert (told["state"], told["rows"], told["failed"]) == ("SUCCEEDED", ROWS, 2)
    rows = fetched(told["result_url"])
    assert [row["row"] for row in rows] == [n for n in range(1, ROWS + 1) if n not in {17, 2900}]
    bad = fetched(told["rejects_url"])
    assert [(row["row"], row["errors"][0]["pointer"]) for row in bad] == [
        (17, "/distance_km"),
        (2900, "/distance_km"),
    ]
    alone: dict[str, Any] = {"distance_km": None, "hour": 17, "carrier": "van", "fragile": "no"}
    cells = lines[1].split(",")
    alone |= {"distance_km": float(cells[1]) if cells[1] else None, "hour": int(cells[2])}
    alone |= {"carrier": cells[3], "fragile": cells[4]}
    status, _, body = stage.request("POST", f"/v1/predictions/{released()}", {"records": [alone]})
    assert status == 200, body
    assert body["predictions"][0]["value"] == rows[0]["value"]


@pytest.fixture
def low_limit(stage: Stage) -> Iterator[None]:
    """Files of a megabyte are large, as an operator would set it in the function's environment."""
    with variables(stage, [FUNCTION], BATCH_TRANSFORM_FROM_BYTES="1000000"):
        yield


@pytest.mark.usefixtures("low_limit")
def test_a_hundred_thousand_rows_are_predicted_by_a_transform_job_and_another_is_stopped(
    stage: Stage, released: Callable[[], str], tmp_path: Path
) -> None:
    lines = orders(MANY, bad=(17, 77_777))
    told = predicted(stage, released(), lines, tmp_path)
    assert (told["way"], told["state"], told["rows"], told["failed"]) == ("transform", "SUCCEEDED", MANY, 2)
    job = stage.aws("sagemaker").describe_transform_job(TransformJobName=told["transform_job"])
    assert job["TransformJobStatus"] == "Completed"
    rows = fetched(told["result_url"])
    assert [row["row"] for row in rows] == [n for n in range(1, MANY + 1) if n not in {17, 77_777}]
    assert [row["row"] for row in fetched(told["rejects_url"])] == [17, 77_777]
    places = [1, 50_000, MANY - 1]
    # A request names the model's inputs and nothing else: neither the key nor the target.
    inputs = [",".join(lines[place].split(",")[1:5]) for place in (0, *places)]
    body = "\n".join(inputs).encode()
    kinds = {"Content-Type": "text/csv", "Accept": "application/json"}
    status, _, alone = stage.request("POST", f"/v1/predictions/{released()}", body, **kinds)
    assert status == 200, alone
    by_row = {row["row"]: row["value"] for row in rows}
    assert [one["value"] for one in alone["predictions"]] == [by_row[place] for place in places]
    stopped_while_it_runs(stage, released(), told["input_uri"])


def stopped_while_it_runs(stage: Stage, pipeline: str, input_uri: str) -> None:
    """Begin with the file again, stop it once its job is there, and see both end."""
    path = f"/v1/batch-predictions/{pipeline}"
    status, _, made = stage.request("POST", path, {"input_uri": input_uri})
    assert (status, made["way"]) == (202, "transform")
    batch = made["id"]
    job = eventually(lambda: stage.get(f"{path}/{batch}").get("transform_job"))
    stopped = stage.headrace("-o", "json", "batch", pipeline, "--stop", batch)
    assert stopped.returncode == 0, stopped.stderr
    assert eventually(lambda: stage.get(f"{path}/{batch}")["state"] == "STOPPED")
    ended = stage.aws("sagemaker").describe_transform_job(TransformJobName=job)
    assert ended["TransformJobStatus"] == "Stopped"


def fetched(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]
