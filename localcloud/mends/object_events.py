"""S3: events on the bus name the version of the object."""

import contextvars
import json
from typing import Any

from ministack.services import eventbridge, s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "object_events"

_version_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("version_id", default=None)


def mend(settings: Settings) -> None:
    """Put `version-id` into the object of EventBridge events of versioned buckets.

    AWS: `detail.object` has `version-id` when the bucket is versioned (S3 user guide, "Event
    message structure" of EventBridge).
    MiniStack 1.5.33: knows the version when it fires the event, and leaves it out (read).
    """
    del settings
    fire = require(
        MEND, s3, "_fire_s3_event", "_eb._dispatch_event(eb_event)", '"object": {"key": key, "size": size'
    )
    dispatch = require(
        MEND, eventbridge, "_dispatch_event", 'bus_name = event.get("EventBusName", "default")'
    )

    @wraps(fire)
    def fire_s3_event(*arguments: Any, version_id: str | None = None, **options: Any) -> Any:
        token = _version_id.set(version_id)
        try:
            return fire(*arguments, version_id=version_id, **options)
        finally:
            _version_id.reset(token)

    @wraps(dispatch)
    def dispatch_event(event: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        version = _version_id.get()
        if version and event.get("Source") == "aws.s3":
            event = {**event, "Detail": with_version(event["Detail"], version)}
        return dispatch(event, *arguments, **options)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


def with_version(detail: str, version_id: str) -> str:
    """Return the event detail with the version in its object."""
    fields = json.loads(detail)
    fields["object"]["version-id"] = version_id
    return json.dumps(fields)
