"""The wire: a request becomes an operation, its answer or error becomes JSON, as botocore reads it."""

import asyncio
import contextvars
import json
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from localcloud.sagemaker import errors, model
from localcloud.sagemaker.endpoints import Endpoints
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.hosting import Hosting
from localcloud.sagemaker.jobs import Jobs
from localcloud.sagemaker.packages import Packages
from localcloud.sagemaker.runtime import Runtime
from localcloud.sagemaker.store import ENDPOINT_CONFIG, MODEL, Row, Scope, Store
from localcloud.sagemaker.tagging import Tagging

Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[Scope, Row], Row]

INVOCATION_PATH: Final = re.compile(r"/endpoints/([^/]+)/invocations")
_JSON: Final = "application/x-amz-json-1.1"
logger = logging.getLogger(__name__)


def operations(
    store: Store, jobs: tuple[Jobs, Jobs, Jobs], hosting: Hosting, endpoints: Endpoints
) -> dict[str, Operation]:
    """Return every operation of the control plane that exists here, by its API name."""
    tagging, packages = Tagging(store), Packages(store)
    training, processing, transform = jobs
    return {
        "CreateTrainingJob": training.create,
        "DescribeTrainingJob": training.describe,
        "ListTrainingJobs": training.list_jobs,
        "StopTrainingJob": training.stop,
        "DeleteTrainingJob": training.delete,
        "CreateProcessingJob": processing.create,
        "DescribeProcessingJob": processing.describe,
        "ListProcessingJobs": processing.list_jobs,
        "StopProcessingJob": processing.stop,
        "CreateTransformJob": transform.create,
        "DescribeTransformJob": transform.describe,
        "ListTransformJobs": transform.list_jobs,
        "StopTransformJob": transform.stop,
        "CreateModel": hosting.create_model,
        "DescribeModel": hosting.describe(MODEL),
        "ListModels": hosting.list_rows(MODEL),
        "DeleteModel": hosting.delete(MODEL),
        "CreateEndpointConfig": hosting.create_endpoint_config,
        "DescribeEndpointConfig": hosting.describe(ENDPOINT_CONFIG),
        "ListEndpointConfigs": hosting.list_rows(ENDPOINT_CONFIG),
        "DeleteEndpointConfig": hosting.delete(ENDPOINT_CONFIG),
        "CreateEndpoint": endpoints.create,
        "DescribeEndpoint": endpoints.describe,
        "ListEndpoints": endpoints.list_endpoints,
        "DeleteEndpoint": endpoints.delete,
        "CreateModelPackageGroup": packages.create_group,
        "DescribeModelPackageGroup": packages.describe_group,
        "ListModelPackageGroups": packages.list_groups,
        "DeleteModelPackageGroup": packages.delete_group,
        "CreateModelPackage": packages.create,
        "DescribeModelPackage": packages.describe,
        "ListModelPackages": packages.list_packages,
        "UpdateModelPackage": packages.update,
        "DeleteModelPackage": packages.delete,
        "AddTags": tagging.add,
        "ListTags": tagging.list_tags,
        "DeleteTags": tagging.delete,
    }


class Api:
    """MiniStack's handler for the service name `sagemaker`."""

    def __init__(
        self,
        table: dict[str, Operation],
        runtime: Runtime,
        denied_also: Callable[[str, Row, dict[str, str], Scope], Answer | None],
        faults: Faults,
    ) -> None:
        self._table, self._runtime, self._denied_also = table, runtime, denied_also
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
                return await self._in_thread(self._invoke, scope, invocation[1], headers, body)
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

    async def _in_thread(self, function: Callable[..., Answer], *arguments: Any) -> Answer:
        # The account and region of the request are context variables; threads of a pool have none.
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        answer: Answer = await loop.run_in_executor(self._threads, partial(context.run, function, *arguments))
        return answer

    def _check(self, operation: str, request: Row) -> None:
        """Raise unless the operation exists here and the request fits its shape."""
        if operation not in self._table:
            raise errors.unknown_operation(operation)
        model.check_request(operation, request)

    def _call(self, operation: str, scope: Scope, request: Row) -> Answer:
        """Run one operation of the control plane."""
        self._faults.refuse(operation, request)
        record = self._table[operation](scope, request)
        self._faults.lose_answer(operation, request)
        return 200, {"Content-Type": _JSON}, json.dumps(model.shape_answer(operation, record)).encode()

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
    members = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
    # `__type` serves the control plane (JSON 1.1), the header the runtime (REST-JSON).
    return error.status, {"Content-Type": _JSON, "x-amzn-ErrorType": error.code}, json.dumps(members).encode()
