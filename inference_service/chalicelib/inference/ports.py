"""What the workflows need of AWS: one narrow protocol per resource, met by an adapter and by the tests' fakes."""

from collections.abc import Buffer, Callable
from typing import Any, Protocol

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.batch_plan import TransformPlan
from chalicelib.inference.log_lines import LogLine
from chalicelib.inference.plan import EndpointPlan

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


class TransformState(msgspec.Struct, frozen=True, kw_only=True):
    """What DescribeTransformJob says."""

    status: str
    reason: str = ""


class Transforms(Protocol):
    """SageMaker's transform jobs."""

    def create(self, plan: TransformPlan) -> None:
        """Create model and job, unless they are there."""

    def describe(self, name: str) -> TransformState | None:
        """Return the job's state, None where there is none."""

    def stop(self, name: str) -> None:
        """Ask a job to end."""

    def forget(self, model_name: str) -> None:
        """Delete the model of a batch, if it is there."""


class Runtime(Protocol):
    """SageMaker's data plane."""

    def invoke(
        self, endpoint: str, records: Buffer, row_count: int, *, within_s: float | None = None
    ) -> list[Answer]:
        """Return one answer per record of the JSON array *records*, *within_s* at the latest."""


class Recorder(Protocol):
    """Where answered requests are written down; nothing that waits belongs here, the caller waits too."""

    def write(self, line: LogLine) -> None:
        """Write one request down."""


class Inputs(Protocol):
    """What is kept of the records of requests, as each pipeline's policy says."""

    def begin(self, pipeline: str, request_id: str, records: Buffer) -> None:
        """Begin to capture the JSON array *records*, where the policy is ``full``."""

    def finish(self, pipeline: str, records: Buffer) -> tuple[str, tuple[str, ...]]:
        """Return what was kept (none, hash or full) and the hashes; captures are awaited for a moment only."""

    def captured(self, pipeline: str, request_id: str) -> list[dict[str, Any]] | None:
        """Return the records of a request as they were captured, None where they were not."""


class Artifacts(Protocol):
    """The models bucket and the key that signs its manifests."""

    def verify(self, model: ModelVersion) -> ModelManifest:
        """Return the model's manifest once its signature and the artifact's hash hold."""

    def golden(self, model: ModelVersion) -> bytes:
        """Return ``golden.jsonl`` once its hash is the signed manifest's."""


Owner = Callable[[], str]
