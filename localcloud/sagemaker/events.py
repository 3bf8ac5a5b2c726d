"""State-change events, in the detail AWS puts on the default bus.

The detail is the Describe answer with three differences (seen in AWS's samples): times are epoch
milliseconds, tags are an object, and an endpoint's status is spelled IN_SERVICE, not InService. Of a model
package they show times as text, no tags and nobody who changed it.
"""

import json
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from localcloud.sagemaker import model
from localcloud.sagemaker.store import (
    ENDPOINT,
    MODEL_PACKAGE,
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    Kind,
    Row,
    Scope,
)

_DETAIL_TYPES = {
    TRAINING_JOB.name: "SageMaker Training Job State Change",
    PROCESSING_JOB.name: "SageMaker Processing Job State Change",
    TRANSFORM_JOB.name: "SageMaker Transform Job State Change",
    ENDPOINT.name: "SageMaker Endpoint State Change",
    MODEL_PACKAGE.name: "SageMaker Model Package State Change",
}


def event_detail(kind: Kind, row: Row, tags: dict[str, str]) -> dict[str, Any]:
    """Return the detail of the event that tells of the row's present state."""
    shape = model.service_model().operation_model(f"Describe{kind.name}").output_shape
    detail: dict[str, Any] = model.shape_value(row, shape, time_scale=1000)
    if kind is ENDPOINT:
        detail["EndpointStatus"] = _upper_snake(detail["EndpointStatus"])
    if kind is MODEL_PACKAGE:
        return _package_detail(detail)
    return detail | {"Tags": tags}


def _package_detail(detail: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, value in detail.items()
        if name in ("CreationTime", "LastModifiedTime")
    }
    unknown = ("CreatedBy", "LastModifiedBy")
    return {name: value for name, value in detail.items() if name not in unknown} | times


def event_record(kind: Kind, row: Row, tags: dict[str, str], scope: Scope) -> dict[str, Any]:
    """Return the event as MiniStack's EventBridge keeps it."""
    return {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.sagemaker",
        "DetailType": _DETAIL_TYPES[kind.name],
        "Detail": json.dumps(event_detail(kind, row, tags)),
        "EventBusName": "default",
        "Time": int(time.time()),
        "Resources": [row[kind.arn_member]],
        "Account": scope.account,
        "Region": scope.region,
    }


def emit(record: dict[str, Any]) -> None:
    """Put an event on the default bus.

    PutEvents refuses sources that start with `aws.`, here as on AWS, so the event goes straight to
    the rules. On the server's loop, because a target's handler may await and expects that loop.
    """
    from ministack import app

    loop = app._MAIN_LOOP
    if loop is None or loop.is_closed():
        _dispatch(record)
    else:
        loop.call_soon_threadsafe(_dispatch, record)


def _dispatch(record: dict[str, Any]) -> None:
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge

    # Rules live per account and region, and a background thread has neither.
    with request_scope(record["Account"], record["Region"]):
        view = eventbridge._pattern_event_view(record)
        eventbridge._dispatch_event(record, view)
        eventbridge._archive_event(record, view)


def _upper_snake(status: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()
