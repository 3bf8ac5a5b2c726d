"""A small checkout to deploy: three services of Headrace's shape, without its code, packages or network."""

import json
from pathlib import Path

from infra.services import SERVICES, folder_of

# One route behind each service's behaviour of the edge.
PATHS = {"ingest": "/v1/pipelines", "training": "/v1/models", "inference": "/v1/health"}

_APP = """
import os
import uuid

from chalice import Chalice

app = Chalice(app_name="headrace-{service}")
STARTED = uuid.uuid4().hex


@app.route("{path}")
def hello():
    headers = app.current_request.headers
    secret = headers.get("x-headrace-origin", "")
    return {{"service": "{service}", "answer": {answer}, "secret_sent": len(secret), "started": STARTED}}


@app.on_cw_event({{"source": ["test." + os.environ["STAGE"]], "detail-type": ["{service}"]}})
def on_fact(event):
    raise RuntimeError("this function never succeeds")


@app.schedule("rate(1 hour)", name="reconcile")
def reconcile(event):
    return None
"""

_LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "arn:${Partition}:logs:${Region}:${Account}:log-group:/aws/lambda/headrace-*",
}


def make_checkout(root: Path) -> Path:
    """Write the three services into *root*."""
    (root / "console").mkdir(parents=True)
    (root / "console" / "index.html").write_text("<h1>Headrace</h1>")
    for service in SERVICES:
        write_app(root, service, answer=1)
        templates = folder_of(root, service) / ".chalice" / "templates"
        templates.mkdir(parents=True)
        functions = ("api_handler", "on_fact", "reconcile")
        for function in functions:
            policy = {"Version": "2012-10-17", "Statement": [_LOGS]}
            (templates / f"policy-{function}.json").write_text(json.dumps(policy))
        (templates / "config.json").write_text(json.dumps(_config(service, functions)))
    return root


def write_app(root: Path, service: str, *, answer: int) -> None:
    """Write the service's app, which tells *answer*."""
    folder = folder_of(root, service)
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "app.py").write_text(_APP.format(service=service, path=PATHS[service], answer=answer))


def _config(service: str, functions: tuple[str, ...]) -> dict[str, object]:
    stage = {
        "api_gateway_stage": "api",
        "api_gateway_endpoint_type": "REGIONAL",
        "autogen_policy": False,
        "environment_variables": {"STAGE": "${Stage}", "DATA_BUCKET": "${DataBucket}"},
        "lambda_functions": {name: {"iam_policy_file": f"policy-{name}.json"} for name in functions},
    }
    return {"version": "2.0", "app_name": f"headrace-{service}", "stages": {"${Stage}": stage}}
