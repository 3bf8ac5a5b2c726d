"""Asks an endpoint as MLflow's unmodified SageMaker deployment client does: `mlflow_client.py ENDPOINT RECORDS`.

Runs in an environment of its own (requirements/mlflow.in), where nothing of ours is installed.
"""

import json
import os
import sys
from typing import Any

import pandas as pd
from mlflow.deployments import get_deploy_client


def main(endpoint: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the predictions, and what MLflow says of the deployment."""
    client = get_deploy_client(f"sagemaker:/{os.environ['AWS_DEFAULT_REGION']}")
    answered = client.predict(endpoint, pd.DataFrame(records)).get_predictions()
    return {
        "columns": sorted(map(str, answered.columns)),
        "values": json.loads(answered["value"].to_json(orient="values")),
        "status": client.get_deployment(endpoint)["EndpointStatus"],
        "listed": [found["EndpointName"] for found in client.list_deployments()],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
