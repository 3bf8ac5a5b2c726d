"""The model that is asked, one record of it, and requests as API Gateway hands them to a handler."""

import json
from typing import Any

STAGE, PIPELINE, VERSION = "bench", "census", "v1"
SECRET = "bench-secret"
RECORD: dict[str, Any] = {
    "age": 39,
    "workclass": "Private",
    "fnlwgt": 77516,
    "education": "Bachelors",
    "education_num": 13,
    "marital_status": "Never-married",
    "occupation": "Adm-clerical",
    "relationship": "Not-in-family",
    "race": "White",
    "sex": "Male",
    "capital_gain": 2174.0,
    "capital_loss": 0.0,
    "hours_per_week": 40,
    "native_country": "United-States",
}
_TYPES = {int: "integer", float: "number", str: "string"}
SIGNATURE = {
    "task": "classification",
    "target": {"name": "rich", "type": "boolean"},
    "classes": [False, True],
    "inputs": [
        {"name": name, "type": _TYPES[type(value)], "required": name != "native_country"}
        for name, value in RECORD.items()
    ],
}
ANSWER = {"value": False, "scores": {"false": 0.8125, "true": 0.1875}}
PATH = "/v1/predictions/{pipeline}"


def answers(rows: int) -> bytes:
    """Return what the model server says to so many records."""
    return json.dumps({"predictions": [ANSWER] * rows}).encode()


def event(rows: int, path: str = PATH) -> dict[str, Any]:
    """Return a request for *rows* predictions."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Host": "d111111abcdef8.cloudfront.net",
        "X-Amzn-Trace-Id": "Root=1-5e-x",
        "x-headrace-origin": SECRET,
    }
    return {
        "resource": path,
        "path": path.replace("{pipeline}", PIPELINE),
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"pipeline": PIPELINE} if "{" in path else None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "r",
            "resourcePath": path,
            "httpMethod": "POST",
            "requestId": "5b7e6a52-1c4f-4b0e-8f52-6b1d5b0b7a11",
            "accountId": "000000000000",
            "stage": "api",
            "path": "/api" + path.replace("{pipeline}", PIPELINE),
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "bench"},
            "apiId": "a",
            "authorizer": {"principalId": "token-1", "scopes": "predict", "pipelines": "*"},
        },
        "body": json.dumps({"records": [RECORD] * rows}),
        "isBase64Encoded": False,
    }


class Context:
    """The Lambda context that handlers look at."""

    aws_request_id = "r"
    function_name = function_version = log_group_name = log_stream_name = "f"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return 29_000
