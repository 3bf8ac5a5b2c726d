"""MLflow's own deployment client scores with an endpoint of ours."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.clouds import ROOT
from tests.e2e.data import RECORD
from tests.stage import Stage

PYTHON = ROOT / ".venv" / "runtimes" / "mlflow" / "bin" / "python"
RECORDS = [RECORD, RECORD | {"distance_km": 5.0}]


def test_mlflows_deployment_client_gets_what_the_rest_api_gives(
    stage: Stage, released: Callable[[], str], figure: Callable[[str, object], None]
) -> None:
    endpoint = stage.get(f"/v1/endpoints/{released()}")["endpoint"]
    script = Path(__file__).with_name("mlflow_client.py")
    done = stage.run(str(PYTHON), str(script), endpoint, json.dumps(RECORDS))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    _, _, rest = stage.request("POST", f"/v1/predictions/{released()}", {"records": RECORDS})
    assert told["values"] == [one["value"] for one in rest["predictions"]]
    assert (told["columns"], told["status"]) == (["scores", "value"], "InService")
    assert endpoint in told["listed"]
    figure(
        "predictions that MLflow's deployment client got as the REST API gives them",
        f"{len(RECORDS)} of {len(RECORDS)}",
    )
