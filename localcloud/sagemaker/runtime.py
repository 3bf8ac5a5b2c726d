"""InvokeEndpoint: limits, the choice of a variant, and the model server's answer or AWS's error."""

import contextlib
import http.client
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from localcloud.sagemaker import endpoint_rows, traffic
from localcloud.sagemaker.capture import DataCapture
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.fleets import Fleet, Fleets
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, Row, Scope, Store
from localcloud.sagemaker.unix_http import Reply

_REALTIME_LIMIT: Final = 6_291_456
_SERVERLESS_LIMIT: Final = 4 * 1024 * 1024
_TARGET_VARIANT: Final = "x-amzn-sagemaker-target-variant"
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
            Unknown endpoint or variant, a body over the limit, a throttled serverless variant, or
            ModelError when the container failed or took longer than 60 s.
        """
        row = self.endpoint(scope, name)
        if row.get("AsyncInferenceConfig"):
            raise ApiError(
                "ValidationError", f"Endpoint {name} is asynchronous: it takes InvokeEndpointAsync only."
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
        with self._fleets.borrow(row["EndpointArn"], self._settings.invoke_timeout_s) as fleet:
            if fleet is None:
                raise ApiError("ServiceUnavailable", "The endpoint is not available. Please try again.", 503)
            variant = traffic.choose_variant(fleet, headers.get(_TARGET_VARIANT), row["EndpointName"], scope)
            with self._slot(row, variant, body):
                name = str(variant["VariantName"])
                if shadow := traffic.choose_shadow(fleet):
                    self._copies.submit(self._copy, row, shadow["VariantName"], scope, headers, body)
                reply = self._ask(fleet, name, scope, headers=headers, body=body, timeout_s=timeout_s)
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

    def _ask(
        self,
        fleet: Fleet,
        variant: str,
        scope: Scope,
        *,
        headers: dict[str, str],
        body: bytes,
        timeout_s: float,
    ) -> Reply:
        """Return the answer of a variant's container, captured where that is wanted, or raise ModelError."""
        sent = {str(name): headers[name] for name in _PASSED_ON if name in headers}
        process, endpoint = fleet.process(variant), fleet.row["EndpointName"]
        try:
            reply = self._faults.spoil(endpoint, timeout_s) or process.pool.post(
                "/invocations", body, sent, timeout_s
            )
        except TimeoutError:
            raise _model_error(0, _TIMED_OUT, endpoint, scope, process.log_stream) from None
        except (OSError, http.client.HTTPException):
            raise _model_error(0, _BROKEN_OFF, endpoint, scope, process.log_stream) from None
        if reply.status >= 400:
            text = reply.body.decode(errors="replace")
            raise _model_error(reply.status, text, endpoint, scope, process.log_stream)
        self._capture.take(fleet.row, variant, scope, sent=sent, body=body, reply=reply)
        return reply

    def _copy(self, row: Row, shadow: str, scope: Scope, headers: dict[str, str], body: bytes) -> None:
        """Ask a shadow the same; nobody but the data capture sees its answer."""
        timeout_s = self._settings.invoke_timeout_s
        with self._fleets.borrow(row["EndpointArn"], timeout_s) as fleet:
            if fleet is None or shadow not in [variant["VariantName"] for variant in fleet.shadows]:
                return
            try:
                self._ask(fleet, shadow, scope, headers=headers, body=body, timeout_s=timeout_s)
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
