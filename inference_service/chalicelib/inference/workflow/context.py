"""What the release workflows work with."""

from typing import Any

import msgspec
from chalicelib.inference import ports

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
    bus: Any
    clock: Clock
    owner: ports.Owner
    log: Any
