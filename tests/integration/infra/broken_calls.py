"""The calls of the deployer's own clients, of which one at a time goes wrong: before AWS has done it, or after."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from infra import stage as stages

Operation = tuple[str, str]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How a call goes wrong: AWS answers with *code*, or nothing at all answers; ``late`` is after it was done."""

    code: str = ""
    status: int = 400
    late: bool = False

    def strike(self) -> tuple[Any, dict[str, Any]] | None:
        """Return an answer as botocore parses it, or raise as its connections do."""
        if self.code:
            error = {"Code": self.code, "Message": "told by AWS"}
            metadata = {"HTTPStatusCode": self.status}
            return SimpleNamespace(status_code=self.status, headers={}), {
                "Error": error,
                "ResponseMetadata": metadata,
            }
        kind = ReadTimeoutError if self.late else EndpointConnectionError
        raise kind(endpoint_url="https://aws.example")


FAULTS = (
    Fault(code="AccessDenied", status=403),
    Fault(),
    Fault(code="InternalFailure", status=500),
    Fault(late=True),
    Fault(code="ExpiredToken", status=403),
    Fault(code="ThrottlingException"),
    Fault(code="NobodyForesawThis"),
)


class Breaker:
    """Strikes the first call that ``wanted`` says yes to, and all that come after it: the line stays broken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: Callable[[Operation], bool] | None = None
        self._fault = Fault()
        self.struck: Operation | None = None

    @contextlib.contextmanager
    def armed(self, wanted: Callable[[Operation], bool], fault: Fault) -> Iterator[None]:
        """Break the calls of the block from one that is wanted on; ``struck`` says which that was."""
        self._wanted, self._fault, self.struck = wanted, fault, None
        try:
            yield
        finally:
            self._wanted = None

    def before(self, model: Any, **_: Any) -> Any:
        """Answer in AWS's place."""
        return None if self._fault.late else self._strike(model)

    def after(self, model: Any, **_: Any) -> None:
        """Let the answer get lost."""
        if self._fault.late:
            self._strike(model)

    def _strike(self, model: Any) -> Any:
        operation = (model.service_model.service_name, model.name)
        with self._lock:
            if self._wanted is None or not (self.struck or self._wanted(operation)):
                return None
            self.struck = self.struck or operation
        return self._fault.strike()


@contextlib.contextmanager
def breaker() -> Iterator[Breaker]:
    """Hook into the clients that are made within the block."""
    made, events = Breaker(), stages._session().events
    events.register("before-call.*.*", made.before)
    events.register("after-call.*.*", made.after)
    # Clients take the hooks of their session over when they are made.
    stages._client.cache_clear()
    try:
        yield made
    finally:
        events.unregister("before-call.*.*", made.before)
        events.unregister("after-call.*.*", made.after)
        stages._client.cache_clear()
