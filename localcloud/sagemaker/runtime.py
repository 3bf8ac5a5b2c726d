"""InvokeEndpoint: limits, the choice of a variant, and the model server's answer or AWS's error."""

import http.client
import random
import threading
from collections import defaultdict
from typing import Final

from localcloud.sagemaker.endpoint_process import VariantProcess
from localcloud.sagemaker.endpoints import Endpoints
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, Row, Scope, Store, scope_of
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


class Runtime:
    """The data plane."""

    def __init__(self, store: Store, endpoints: Endpoints, settings: Settings) -> None:
        self._store, self._endpoints, self._settings = store, endpoints, settings
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
        row = self._endpoint(scope, name)
        # AWS's front door refuses by length with a bare 413; SDKs show it as an error of that code.
        if len(body) > _REALTIME_LIMIT:
            raise ApiError("413", f"HTTP content length exceeded {_REALTIME_LIMIT} bytes.", 413)
        variant = _choose_variant(row, headers.get(_TARGET_VARIANT), name, scope)
        serverless = variant.get("CurrentServerlessConfig")
        if serverless and len(body) > _SERVERLESS_LIMIT:
            raise ApiError("ValidationError", "Request has oversize body.")
        slot = (row["EndpointArn"], variant["VariantName"])
        self._take_slot(slot, serverless["MaxConcurrency"] if serverless else None)
        try:
            reply, log_stream = self._send(row, variant["VariantName"], headers, body)
        finally:
            with self._lock:
                self._in_flight[slot] -= 1
        if reply.status >= 400:
            raise _model_error(reply.status, reply.body.decode(errors="replace"), name, scope, log_stream)
        return reply, variant["VariantName"]

    def _endpoint(self, scope: Scope, name: str) -> Row:
        """Return the endpoint, when it serves."""
        try:
            row = self._store.get(ENDPOINT, scope, name)
        except ApiError:
            row = {}
        # Until it serves, an endpoint does not exist for the runtime.
        if row.get("EndpointStatus") != "InService":
            raise ApiError("ValidationError", f"Endpoint {name} of account {scope.account} not found.")
        return row

    def _take_slot(self, slot: tuple[str, str], limit: int | None) -> None:
        """Count a request in, or throttle it: a serverless variant has a fixed concurrency."""
        with self._lock:
            if limit is not None and self._in_flight[slot] >= limit:
                raise ApiError("ThrottlingException", "Rate exceeded", 400)
            self._in_flight[slot] += 1

    def _send(self, row: Row, variant: str, headers: dict[str, str], body: bytes) -> tuple[Reply, str]:
        """Pass the request to the variant's server; no answer in time is a ModelError with status 0."""
        process = self._process(row, variant)
        sent = {str(name): headers[name] for name in _PASSED_ON if name in headers}
        timeout_s = self._settings.invoke_timeout_s
        try:
            return process.pool.post("/invocations", body, sent, timeout_s), process.log_stream
        except TimeoutError:
            message = _TIMED_OUT
        except (OSError, http.client.HTTPException):
            message = "The container closed the connection before it answered."
        raise _model_error(0, message, row["EndpointName"], scope_of(row["EndpointArn"]), process.log_stream)

    def _process(self, row: Row, variant: str) -> VariantProcess:
        process = self._endpoints.variants(row["EndpointArn"], self._settings.invoke_timeout_s).get(variant)
        if process is None:
            raise ApiError("ServiceUnavailable", "The endpoint is not available. Please try again.", 503)
        return process


def _choose_variant(row: Row, wanted: str | None, name: str, scope: Scope) -> Row:
    variants: list[Row] = row["ProductionVariants"]
    if wanted is not None:
        for variant in variants:
            if variant["VariantName"] == wanted:
                return variant
        raise ApiError(
            "ValidationError", f"Variant {wanted} not found for endpoint {name} of account {scope.account}."
        )
    weights = [variant["CurrentWeight"] for variant in variants]
    # All weights zero is allowed; AWS then spreads evenly.
    chosen: Row = random.choices(variants, weights if sum(weights) > 0 else None)[0]  # noqa: S311 - traffic, not secrets
    return chosen


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
