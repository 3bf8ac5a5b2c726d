"""The section ``release`` of a pipeline definition: where a model version serves, and how it goes live."""

from typing import Annotated, Literal

from msgspec import Meta

from shared.entities.sections import Duration, DurationOrNever, Percent, Section


class Serverless(Section, frozen=True, kw_only=True, tag_field="kind", tag="serverless"):
    """A SageMaker serverless endpoint."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: Annotated[int, Meta(ge=1, le=200)] = 5


class Realtime(Section, frozen=True, kw_only=True, tag_field="kind", tag="realtime"):
    """A SageMaker real-time endpoint; it costs day and night."""

    instance: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")] = "ml.m5.large"
    count: Annotated[int, Meta(ge=1, le=3)] = 1
    # Read outside prod only: what nobody asked for that long is deleted, and comes back when somebody asks.
    idle_delete: DurationOrNever = "4h"


class Release(Section, frozen=True, kw_only=True):
    """How an approved model version goes live: at once (``direct``), step by step (``canary``), or behind a shadow.

    A canary answers the shares ``steps`` of the requests, one after the other; a shadow gets a copy of every
    request and answers nobody. A step is judged once it lasted ``bake`` and had ``min_requests``; after
    ``max_bake`` with fewer, ``on_silence`` decides. Any clause of ``rollback_on`` that holds ends the release.
    """

    approval: Literal["auto", "person"] = "auto"
    strategy: Literal["direct", "canary", "shadow"] = "direct"
    steps: Annotated[tuple[Percent, ...], Meta(min_length=1, max_length=10)] = ("10%", "50%")
    bake: Duration = "10m"
    min_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    max_bake: Duration = "1h"
    on_silence: Literal["promote", "rollback", "wait"] = "promote"
    rollback_on: tuple[Annotated[str, Meta(min_length=1, max_length=120)], ...] = (
        "error_rate > 1%",
        "p95_ms > 2x live",
    )
    grace: Duration = "1h"
    endpoint: Literal["serverless", "realtime"] | Serverless | Realtime = "serverless"


def endpoint_of(release: Release) -> Serverless | Realtime:
    """Return the endpoint's options; the bare words mean the defaults."""
    if isinstance(release.endpoint, str):
        return Serverless() if release.endpoint == "serverless" else Realtime()
    return release.endpoint
