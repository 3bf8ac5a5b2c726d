"""InvokeEndpoint: limits, the choice of a variant, and the model server's answer or AWS's error."""

import contextlib
import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from localcloud.sagemaker import endpoint_rows, invocation_metrics, traffic
from localcloud.sagemaker.capture import DataCapture
from localcloud.sagemaker.endpoint_process import StartFailed
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.fleets import Fleet, Fleets
from localcloud.sagemaker.invocation_metrics import Invocation
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, Row, Scope, Store
from localcloud.sagemaker.unix_http import ConnectionPool, Reply

_REALTIME_LIMIT: Final = 6_291_456
_SERVERLESS_LIMIT: Final = 4 * 1024 * 1024
_TARGET_VARIANT: Final = "x-amzn-sagemaker-target-variant"
_TARGET_MODEL: Final = "x-amzn-sagemaker-target-model"
_PASSED_ON: Final = (
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
)
_TIMED_OUT: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
    "for each container in Amazon CloudWatch, resolve the issue, and try again."
)
_BROKEN_OFF: Final = "The container closed the connection before it answered."


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and when it came in by a clock that only runs."""

    headers: dict[str, str]
    body: bytes
    scope: Scope
    timeout_s: float
    came_at: float

    @property
    def passed_on(self) -> dict[str, str]:
        """The headers that the container sees."""
        return {str(name): self.headers[name] for name in _PASSED_ON if name in self.headers}


class Runtime:
    """The data plane."""

    def __init__(self, store: Store, fleets: Fleets, settings: Settings, faults: Faults) -> None:
        self._store, self._fleets, self._settings, self._faults = store, fleets, settings, faults
        self._capture = DataCapture(settings)
        self._copies = ThreadPoolExecutor(4, thread_name_prefix="sagemaker-shadow")
        self._in_flight: dict[tuple[str, str], int] = defaultdict(int)
        self._lock = threading.Lock()

    def invoke(self, scope: Scope, name: str, headers: dict[str, str], body: bytes) -> tuple[Reply, str]:
        """Send the body to one variant; return its reply and the variant's name.

        Raises
        ------
        ApiError
            Unknown endpoint or variant, a target model, a body over the limit, a throttled serverless variant, or
            ModelError when the container failed or took longer than 60 s.
        """
        row = self.endpoint(scope, name)
        if row.get("AsyncInferenceConfig"):
            raise ApiError(
                "ValidationError", f"Endpoint {name} is asynchronous: it takes InvokeEndpointAsync only."
            )
        if headers.get(_TARGET_MODEL):
            raise ApiError(
                "ValidationError",
                f"Endpoint {name} is not a multi-model endpoint and does not support target model header.",
            )
        # AWS's front door refuses by length with a bare 413; SDKs show it as an error of that code.
        if len(body) > _REALTIME_LIMIT:
            raise ApiError("413", f"HTTP content length exceeded {_REALTIME_LIMIT} bytes.", 413)
        timeout_s = self._settings.invoke_timeout_s
        return self.send(row, scope, headers, body, timeout_s)

    def endpoint(self, scope: Scope, name: str) -> Row:
        """Return the endpoint, when it serves."""
        try:
            row = self._store.get(ENDPOINT, scope, name)
        except ApiError:
            row = {}
        # Until it serves, an endpoint does not exist for the runtime.
        if row.get("EndpointStatus") not in endpoint_rows.SERVING:
            raise ApiError("ValidationError", f"Endpoint {name} of account {scope.account} not found.")
        return row

    def send(
        self, row: Row, scope: Scope, headers: dict[str, str], body: bytes, timeout_s: float
    ) -> tuple[Reply, str]:
        """Give the request to a variant of whatever fleet serves it, and a copy to a shadow."""
        asked = _Asked(headers=headers, body=body, scope=scope, timeout_s=timeout_s, came_at=time.monotonic())
        with self._fleets.borrow(row["EndpointArn"], self._settings.invoke_timeout_s) as fleet:
            if fleet is None:
                raise ApiError("ServiceUnavailable", "The endpoint is not available. Please try again.", 503)
            variant = traffic.choose_variant(fleet, headers.get(_TARGET_VARIANT), row["EndpointName"], scope)
            with self._slot(row, variant, body):
                name = str(variant["VariantName"])
                if shadow := traffic.choose_shadow(fleet):
                    self._copies.submit(self._copy, row, shadow["VariantName"], asked)
                reply = self._ask(fleet, name, asked)
        return reply, name

    def close(self) -> None:
        """Copy nothing to shadows any more, and write what is captured."""
        self._copies.shutdown(wait=False, cancel_futures=True)
        self._capture.write()

    @contextlib.contextmanager
    def _slot(self, row: Row, variant: Row, body: bytes) -> Iterator[None]:
        """Hold a place in a variant while it answers: a serverless one has so many, for bodies of such a size."""
        serverless = variant.get("ServerlessConfig")
        if serverless and len(body) > _SERVERLESS_LIMIT:
            raise ApiError("ValidationError", "Request has oversize body.")
        slot = row["EndpointArn"], variant["VariantName"]
        with self._lock:
            if serverless and self._in_flight[slot] >= serverless["MaxConcurrency"]:
                raise ApiError("ThrottlingException", "Rate exceeded", 400)
            self._in_flight[slot] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[slot] -= 1

    def _ask(self, fleet: Fleet, variant: str, asked: _Asked) -> Reply:
        """Return the answer of a variant's container, measured, and captured where that is wanted, or raise ModelError."""
        process, endpoint = fleet.process(variant), fleet.row["EndpointName"]
        given_at, setup_s = time.monotonic(), 0.0
        try:
            with process.awake() as setup_s:
                given_at = time.monotonic()
                reply = self._exchange(process.pool, endpoint, asked)
        except StartFailed as error:
            reply = Reply(status=0, headers={}, body=str(error).encode())
        invocation = Invocation(
            endpoint=endpoint,
            variant=variant,
            status=reply.status,
            model_s=time.monotonic() - given_at,
            overhead_s=given_at - asked.came_at,
            setup_s=setup_s,
        )
        invocation_metrics.record(invocation, asked.scope)
        if not 200 <= reply.status < 400:
            text = reply.body.decode(errors="replace")
            raise _model_error(reply.status, text, endpoint, asked.scope, process.log_stream)
        self._capture.take(
            fleet.row, variant, asked.scope, sent=asked.passed_on, body=asked.body, reply=reply
        )
        return reply

    def _exchange(self, pool: ConnectionPool, endpoint: str, asked: _Asked) -> Reply:
        """Return what the container answers; the status 0 and why, where it does not."""
        try:
            spoilt = self._faults.spoil(endpoint, asked.timeout_s)
            return spoilt or pool.post("/invocations", asked.body, asked.passed_on, asked.timeout_s)
        except TimeoutError:
            return Reply(status=0, headers={}, body=_TIMED_OUT.encode())
        except (OSError, http.client.HTTPException):
            return Reply(status=0, headers={}, body=_BROKEN_OFF.encode())

    def _copy(self, row: Row, shadow: str, asked: _Asked) -> None:
        """Ask a shadow the same; nobody but metrics and the data capture see its answer."""
        asked = msgspec.structs.replace(asked, came_at=time.monotonic())
        with self._fleets.borrow(row["EndpointArn"], asked.timeout_s) as fleet:
            if fleet is None or shadow not in [variant["VariantName"] for variant in fleet.shadows]:
                return
            try:
                self._ask(fleet, shadow, asked)
            except ApiError:
                return


def _model_error(status: int, text: str, name: str, scope: Scope, log_stream: str) -> ApiError:
    group = f"/aws/sagemaker/Endpoints/{name}"
    side = "client" if 400 <= status < 500 else "server"
    return ApiError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{text}". See '
        f"https://{scope.region}.console.aws.amazon.com/cloudwatch/home?region={scope.region}#logEventViewer:group={group} "
        f"in account {scope.account} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{scope.region}:{scope.account}:log-group:{group}:log-stream:{log_stream}",
    )
