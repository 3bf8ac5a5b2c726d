"""Clients of others, unmodified: tritonclient through the public origin, boto3 at the endpoint."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clouds import ROOT
from tests.e2e.data import RECORD
from tests.stage import Stage

CLIENTS = ROOT / ".venv" / "runtimes" / "clients" / "bin" / "python"
SCRIPT = Path(__file__).with_name("triton_client.py")
RECORDS = [RECORD, RECORD | {"distance_km": 950.0}]
COLUMNS = list(RECORD)
CELLS = [[record[name] for name in COLUMNS] for record in RECORDS]


def as_csv() -> str:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *CELLS])
    return out.getvalue()


def test_tritonclient_gets_what_the_rest_api_gives(stage: Stage, released: Callable[[], str]) -> None:
    done = stage.run(str(CLIENTS), str(SCRIPT), released(), json.dumps(RECORDS))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    _, _, rest = stage.request("POST", f"/v1/predictions/{released()}", {"records": RECORDS})
    assert told["value"] == told["plain"] == [one["value"] for one in rest["predictions"]]
    assert told["scores"] == pytest.approx([one["scores"][max(one["scores"])] for one in rest["predictions"]])
    assert (told["live"], told["ready"], told["model_ready"]) == (True, True, True)
    assert (told["server"], told["id"], told["ghost_ready"]) == ("headrace", "mine", False)
    assert stage.recorded(released(), told["ids"][1])["record"] == RECORDS[1]
    assert "/inputs" in told["refused"]
    assert "token" in told["nobody"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"dataframe_split": {"columns": COLUMNS, "data": CELLS}})),
        ("application/json", json.dumps({"instances": RECORDS})),
        ("application/json", json.dumps({"inputs": RECORDS})),
        ("text/csv", as_csv()),
    ],
    ids=["dataframe_split", "instances", "inputs", "csv"],
)
def test_an_endpoint_scores_what_mlflow_clients_send(
    stage: Stage, released: Callable[[], str], kind: str, body: str
) -> None:
    live = stage.get(f"/v1/endpoints/{released()}")["endpoint"]
    answer = stage.aws("sagemaker-runtime").invoke_endpoint(
        EndpointName=live, ContentType=kind, Accept="application/json", Body=body.encode()
    )
    given = json.loads(answer["Body"].read())["predictions"]
    _, _, rest = stage.request("POST", f"/v1/predictions/{released()}", {"records": RECORDS})
    assert [one["value"] for one in given] == [one["value"] for one in rest["predictions"]]
