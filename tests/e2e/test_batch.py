"""A batch through the deployed stage: some thousand rows, some of them bad, in order."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.data import deliveries
from tests.stage import Stage

ROWS = 3000


def test_a_file_of_thousands_is_predicted_in_order_and_its_bad_rows_are_explained(
    stage: Stage, released: Callable[[], str], tmp_path: Path
) -> None:
    lines = deliveries(9, rows=ROWS).decode().splitlines()
    for row in (17, 2900):
        cells = lines[row].split(",")
        lines[row] = ",".join([cells[0], "far", *cells[2:]])
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = stage.headrace("-o", "json", "batch", released(), str(file), "--watch", timeout=110)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
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


def fetched(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]
