"""What the workflows work with."""

from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.inference import ports
from chalicelib.inference.fitting import Rules
from chalicelib.inference.formats import Records

from shared.clock import Clock
from shared.readers import Models, Pipelines


class Releasing(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of one stage; ``owner`` names this invocation, so that a lease knows its holder."""

    stage: str
    role_arn: str
    releases: Any
    models: Models
    pipelines: Pipelines
    endpoints: ports.Endpoints
    runtime: ports.Runtime
    artifacts: ports.Artifacts
    traffic: Any
    usage: Any
    bus: Any
    clock: Clock
    owner: ports.Owner
    log: Any


class Predicting(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of the prediction routes.

    ``wake`` starts the endpoint of a pipeline that slept.
    """

    stage: str
    pipelines: Pipelines
    router: Any
    runtime: ports.Runtime
    recorder: ports.Recorder
    records: Any
    inputs: ports.Inputs
    traffic: Any
    usage: Any
    copies: Any
    clock: Clock
    wake: Callable[[str], None]
    draw: Callable[[], float]
    pause: Callable[[float], None]
    seconds: Callable[[], float]
    log: Any


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of what is remembered of predictions: the log's writer, labels, live quality."""

    stage: str
    ttl_days: int
    pipelines: Pipelines
    records: Any
    windows: Any
    releases: Any
    traffic: Any
    clock: Clock
    pause: Callable[[float], None]
    log: Any


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its id, the records as they came, how they are judged, and the version the caller insists on."""

    request_id: str
    pipeline: str
    records: Records
    rules: Rules = Rules()
    version: str | None = None
