"""EventBridge: a policy can say in whose name its holder may announce."""

import json
from typing import Any

from ministack.core import iam_actions

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "event_sources"


def mend(settings: Settings) -> None:
    """Give IAM the keys events:source and events:detail-type of a PutEvents request.

    AWS: both are condition keys of PutEvents, holding the values of all its entries (Service Authorization
    Reference, Amazon EventBridge).
    MiniStack 1.5.33: hands neither to the evaluation, so a policy that names a source allows nothing, or
    with ForAllValues everything (tried).
    """
    del settings
    tags = require(MEND, iam_actions, "request_tag_context")

    @wraps(tags)
    def context(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
        found = tags(service, action, body, query)
        return {**found, **_event_keys(body)} if action == "events:PutEvents" else found

    iam_actions.request_tag_context = context


def _event_keys(body: bytes) -> dict[str, list[str]]:
    """Return the keys of a request; a body that cannot be read has none and is refused later anyway."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    entries = request.get("Entries") if isinstance(request, dict) else None
    entries = [entry for entry in entries or [] if isinstance(entry, dict)]
    return {
        "events:source": sorted({str(entry.get("Source", "")) for entry in entries}),
        "events:detail-type": sorted({str(entry.get("DetailType", "")) for entry in entries}),
    }
