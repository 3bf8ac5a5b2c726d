"""Adapter: the default EventBridge bus."""

from collections.abc import Sequence

import msgspec

from shared.aws import JsonApi, aws_errors
from shared.errors import Unavailable
from shared.events import Event, Metadata, source

MAX_ENTRIES = 10  # of one PutEvents call


class Bus:
    """Announces facts of one stage."""

    def __init__(self, event_bridge: JsonApi, stage: str) -> None:
        self._event_bridge = event_bridge
        self._stage = stage

    def announce(self, *events: Event, correlation_id: str = "", causation_id: str | None = None) -> None:
        """Put *events* on the bus, repeating once what PutEvents accepted only in part.

        Raises
        ------
        Unavailable
            Some entries were refused twice; the caller's row still says what must be told.
        """
        entries = [self._entry(event, correlation_id, causation_id) for event in events]
        for start in range(0, len(entries), MAX_ENTRIES):
            refused = self._put(entries[start : start + MAX_ENTRIES])
            # Once more at once, since single refusals are throttles; after that the reconciler has the patience.
            refused = self._put(refused) if refused else []
            if refused:
                raise Unavailable(f"EventBridge refused {len(refused)} of {len(entries)} events twice")

    def _put(self, entries: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """Send one batch and return the entries that were refused."""
        with aws_errors(f"put {len(entries)} events"):
            answer = self._event_bridge.call("PutEvents", {"Entries": list(entries)})
        # PutEvents answers 200 also when it refused entries: only the count tells.
        if not answer["FailedEntryCount"]:
            return []
        return [
            entry for entry, result in zip(entries, answer["Entries"], strict=True) if result.get("ErrorCode")
        ]

    def _entry(self, event: Event, correlation_id: str, causation_id: str | None) -> dict[str, str]:
        metadata = Metadata(
            id=event.identity(),
            version=event.schema_version,
            correlation_id=correlation_id,
            causation_id=causation_id,
        )
        return {
            "Source": source(self._stage, event.service),
            "DetailType": type(event).__name__,
            "Detail": msgspec.json.encode(event.to_detail(metadata)).decode(),
        }
