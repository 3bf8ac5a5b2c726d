"""What the workflows need of AWS: one narrow protocol per resource, met by an adapter and by the tests' fakes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.plan import EndpointPlan

from shared.entities.serving import PredictionLog
from shared.entities.training import ModelManifest, ModelVersion


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """What DescribeEndpoint says; ``content`` is the plan's content the endpoint was made with."""

    status: str
    reason: str = ""
    content: str = ""
    is_serverless: bool = False


class Endpoints(Protocol):
    """SageMaker's control plane."""

    def describe(self, name: str) -> EndpointState | None:
        """Return the endpoint's state, None where there is no such endpoint."""

    def create(self, plan: EndpointPlan) -> None:
        """Create model, configuration and endpoint, replacing leftovers of the first two."""

    def delete(self, name: str) -> None:
        """Delete endpoint, configuration and model, whichever are there."""

    def names(self, prefix: str) -> set[str]:
        """Return the names of all endpoints, configurations and models that begin with *prefix*."""


class Runtime(Protocol):
    """SageMaker's data plane."""

    def invoke(self, endpoint: str, records: bytes, row_count: int) -> list[Answer]:
        """Return one answer per record of the JSON array *records*."""


class Recorder(Protocol):
    """Where answered requests are written down; nothing that waits belongs here, the caller waits too."""

    def write(self, about: PredictionLog, records: bytes, predictions: Sequence[Answer]) -> None:
        """Write one request down: *records* is the JSON array that the model got, *about* the rest of the line."""


class Artifacts(Protocol):
    """The models bucket and the key that signs its manifests."""

    def verify(self, model: ModelVersion) -> ModelManifest:
        """Return the model's manifest once its signature and the artifact's hash hold."""

    def golden(self, model: ModelVersion) -> bytes:
        """Return ``golden.jsonl`` once its hash is the signed manifest's."""


Owner = Callable[[], str]
