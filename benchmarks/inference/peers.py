"""The same request, checked against the same types, by what people use: Powertools, FastAPI, the workshop's way."""

import json
import os
from typing import Any

from pydantic import BaseModel

from benchmarks.inference import traffic

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "s")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "n")
os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "1")
ROUTE = "/predictions"


class Record(BaseModel):
    """One record of the census model."""

    age: int
    workclass: str
    fnlwgt: int
    education: str
    education_num: int
    marital_status: str
    occupation: str
    relationship: str
    race: str
    sex: str
    capital_gain: float
    capital_loss: float
    hours_per_week: int
    native_country: str | None = None


class Request(BaseModel):
    """The body."""

    records: list[Record]


def _work(rows: int) -> dict[str, Any]:
    """Return the answer that all peers give: as many canned ones as there are records."""
    return {"model_version": "v1", "predictions": [traffic.ANSWER] * rows}


def bare() -> Any:
    """Return a handler that only parses JSON and checks nothing: the floor."""

    def handle(event: dict[str, Any], _: object) -> dict[str, Any]:
        answer = _work(len(json.loads(event["body"])["records"]))
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(answer),
        }

    return handle


def powertools() -> Any:
    """Return Powertools' resolver with validation."""
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver

    app = APIGatewayRestResolver(enable_validation=True)

    def predict(request: Request) -> dict[str, Any]:
        return _work(len(request.records))

    app.post(ROUTE)(predict)
    return app.resolve


def fastapi() -> Any:
    """Return FastAPI behind Mangum."""
    from fastapi import FastAPI
    from mangum import Mangum

    app = FastAPI()

    async def predict(request: Request) -> dict[str, Any]:
        return _work(len(request.records))

    app.post(ROUTE)(predict)
    return Mangum(app, lifespan="off")


def workshop() -> Any:
    """Return the workshop's way: Chalice, boto3 for the endpoint, PutItem for the record, PutMetricData."""
    import boto3
    from chalice.app import Chalice

    runtime, dynamodb, cloudwatch = (
        boto3.client(service) for service in ("sagemaker-runtime", "dynamodb", "cloudwatch")
    )
    app = Chalice(app_name="workshop")

    @app.route(ROUTE, methods=["POST"])
    def predict() -> Any:
        current: Any = app.current_request
        asked = current.json_body
        answer = runtime.invoke_endpoint(
            EndpointName="e", ContentType="application/json", Body=json.dumps(asked)
        )
        found = json.loads(answer["Body"].read())
        item = {"id": {"S": current.context["requestId"]}, "answer": {"S": json.dumps(found)}}
        dynamodb.put_item(TableName="predictions", Item=item)
        metric = {
            "MetricName": "predictions",
            "Value": 1.0,
            "Unit": "Count",
            "Dimensions": [{"Name": "pipeline", "Value": "census"}],
        }
        cloudwatch.put_metric_data(Namespace="Workshop", MetricData=[metric])
        return found

    return app
