"""The wire: a request becomes an operation, its answer or error becomes JSON, as botocore reads it."""

import asyncio
import contextvars
import json
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from localcloud.sagemaker import errors, members, model
from localcloud.sagemaker.async_inference import AsyncInference
from localcloud.sagemaker.endpoints import Endpoints
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.hosting import Hosting
from localcloud.sagemaker.jobs.operations import Jobs
from localcloud.sagemaker.packages import Packages
from localcloud.sagemaker.runtime import Runtime
from localcloud.sagemaker.store import Row, Scope, Store, Table
from localcloud.sagemaker.tagging import Tagging

Answer = tuple[int, dict[str, str], bytes]

# What is sent to an endpoint, and the operation that each path is.
INVOCATION_PATH: Final = re.compile(
    r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)"
)
INVOCATIONS: Final = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_JSON: Final = "application/x-amz-json-1.1"
logger = logging.getLogger(__name__)


def operations(store: Store, jobs: Sequence[Jobs], hosting: Hosting, endpoints: Endpoints) -> Table:
    """Return every operation of the control plane that exists here, by its API name."""
    tables = [kind.operations() for kind in jobs]
    tables += [hosting.operations(), endpoints.operations()]
    tables += [Packages(store).operations(), Tagging(store).operations()]
    return {name: operation for table in tables for name, operation in table.items()}


class Api:
    """MiniStack's handler for the service name `sagemaker`."""

    def __init__(
        self,
        table: Table,
        runtime: Runtime,
        waiting: AsyncInference,
        denied_also: Callable[[str, Row, dict[str, str], Scope], Answer | None],
        faults: Faults,
    ) -> None:
        self._table, self._denied_also = table, denied_also
        self._runtime, self._waiting = runtime, waiting
        self._faults = faults
        # Threads of our own: an invocation may wait 60 s, and the default pool serves all of MiniStack.
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="sagemaker-api")

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: object
    ) -> Answer:
        """Answer one request, whatever happens."""
        from ministack.core.responses import get_account_id, get_region

        scope = Scope(account=get_account_id(), region=get_region())
        invocation = INVOCATION_PATH.fullmatch(path)
        try:
            if invocation:
                return await self._in_thread(
                    self._send, INVOCATIONS[invocation[2]], scope, invocation[1], headers, body
                )
            operation, request = _parse(headers, body)
            self._check(operation, request)
            if denied := self._denied_also(operation, request, headers, scope):
                return denied
            return await self._in_thread(self._call, operation, scope, request)
        except errors.ApiError as error:
            return _error_answer(error)
        except Exception as error:
            logger.exception("sagemaker %s %s", method, headers.get("x-amz-target", path))
            return _error_answer(errors.ApiError("InternalFailure", f"{type(error).__name__}: {error}", 500))

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._waiting.close()
        self._runtime.close()

    async def _in_thread(self, function: Callable[..., Answer], *arguments: Any) -> Answer:
        # The account and region of the request are context variables; threads of a pool have none.
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        answer: Answer = await loop.run_in_executor(self._threads, partial(context.run, function, *arguments))
        return answer

    def _check(self, operation: str, request: Row) -> None:
        """Raise unless the operation exists here, and so does all of what the request asks of it."""
        if operation not in self._table:
            is_awss = operation in model.service_model().operation_names
            raise errors.unknown_operation(operation) if is_awss else errors.no_such_operation()
        model.check_request(operation, request)
        members.refuse(operation, request)

    def _call(self, operation: str, scope: Scope, request: Row) -> Answer:
        """Run one operation of the control plane."""
        self._faults.refuse(operation, request)
        record = self._table[operation](scope, request)
        self._faults.lose_answer(operation, request)
        return 200, {"Content-Type": _JSON}, json.dumps(model.shape_answer(operation, record)).encode()

    def _send(self, operation: str, scope: Scope, name: str, headers: dict[str, str], body: bytes) -> Answer:
        """Run one operation of the data plane."""
        self._faults.refuse(operation, {"EndpointName": name})
        members.refuse_invocation(operation, headers, body)
        if operation == "InvokeEndpoint":
            return self._invoke(scope, name, headers, body)
        if operation == "InvokeEndpointAsync":
            return self._invoke_later(scope, name, headers)
        raise errors.unknown_operation(operation)

    def _invoke_later(self, scope: Scope, name: str, headers: dict[str, str]) -> Answer:
        """Queue one invocation and tell where its answer will be."""
        accepted = self._waiting.accept(scope, name, headers)
        places = {"OutputLocation": accepted.output, "FailureLocation": accepted.failure}
        answer = {f"X-Amzn-SageMaker-{name}": uri for name, uri in places.items() if uri}
        return (
            202,
            {"Content-Type": "application/json"} | answer,
            json.dumps({"InferenceId": accepted.inference_id}).encode(),
        )

    def _invoke(self, scope: Scope, name: str, headers: dict[str, str], body: bytes) -> Answer:
        """Run one invocation and pass the model's own headers and body on."""
        reply, variant = self._runtime.invoke(scope, name, headers, body)
        kept = {
            name.lower(): value
            for name, value in reply.headers.items()
            if name.lower() in ("content-type", "x-amzn-sagemaker-custom-attributes")
        }
        # Lower case on purpose: MiniStack rewrites `Content-Type: application/json` to the service's
        # own envelope type, and this body is the model's, not an envelope.
        kept.setdefault("content-type", "application/octet-stream")
        return reply.status, kept | {"x-Amzn-Invoked-Production-Variant": variant}, reply.body


def _parse(headers: dict[str, str], body: bytes) -> tuple[str, Row]:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise errors.ApiError("SerializationException", f"The request body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise errors.ApiError("SerializationException", "The request body is not a JSON object.")
    return operation, {key: value for key, value in request.items() if value is not None}


def _error_answer(error: errors.ApiError) -> Answer:
    words = {} if error.message is None else {"message": error.message, "Message": error.message}
    members = {"__type": error.code, **words, **error.members}
    # `__type` serves the control plane (JSON 1.1), the header the runtime (REST-JSON).
    return error.status, {"Content-Type": _JSON, "x-amzn-ErrorType": error.code}, json.dumps(members).encode()
