"""InvokeEndpointAsync: a request that waits in S3, an answer that is put there, and a word to whoever wants to know.

What waits is lost with the server. The notifications are those of the developer guide (async-inference-check-predictions).
"""

import json
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import credentials, s3uri
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.runtime import Runtime
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Row, Scope
from localcloud.sagemaker.unix_http import Reply

_PREFIX: Final = "x-amzn-sagemaker-"
_DEFAULT_TTL_S: Final = 21_600
_DEFAULT_TIMEOUT_S: Final = 900
_AT_ONCE: Final = 4
# Headers that only this operation spells with the prefix; the container gets them without it.
_PLAIN: Final = {f"{_PREFIX}content-type": "content-type", f"{_PREFIX}accept": "accept"}
logger = logging.getLogger(__name__)


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted request: what to send, where the answer goes, and since when it waits."""

    row: Row
    scope: Scope
    headers: dict[str, str]
    inference_id: str
    source: str
    output: str
    failure: str | None
    ttl_s: float
    timeout_s: float
    received_at: float

    def is_expired(self, now: float) -> bool:
        """Whether it has waited for longer than its sender wanted, before anybody looked at it."""
        return now - self.received_at > self.ttl_s


class AsyncInference:
    """The queues of asynchronous endpoints, each with as many workers as its configuration allows."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self._runtime, self._settings = runtime, settings
        self._workers: dict[str, tuple[tuple[float, int], ThreadPoolExecutor]] = {}
        self._lock = threading.Lock()

    def accept(self, scope: Scope, name: str, headers: dict[str, str]) -> Accepted:
        """Queue a request and say where its answer will be."""
        row = self._runtime.endpoint(scope, name)
        if not row.get("AsyncInferenceConfig"):
            raise ApiError(
                "ValidationError",
                f"Endpoint {name} is not asynchronous: its configuration has no AsyncInferenceConfig.",
            )
        accepted = _accepted(row, scope, headers)
        self._pool(row).submit(self._work, accepted)
        return accepted

    def close(self) -> None:
        """Forget what waits."""
        with self._lock:
            for _, pool in self._workers.values():
                pool.shutdown(wait=False, cancel_futures=True)

    def _pool(self, row: Row) -> ThreadPoolExecutor:
        """Return the workers of an endpoint; one of the same name that came later has workers of its own."""
        client = row["AsyncInferenceConfig"].get("ClientConfig") or {}
        at_once = int(client.get("MaxConcurrentInvocationsPerInstance") or _AT_ONCE)
        arn, kind = row["EndpointArn"], (row["CreationTime"], at_once)
        with self._lock:
            before, pool = self._workers.get(arn, (None, None))
            if pool is None or before != kind:
                if pool is not None:
                    pool.shutdown(wait=False)
                pool = ThreadPoolExecutor(at_once, thread_name_prefix="sagemaker-async")
                self._workers[arn] = kind, pool
            return pool

    def _work(self, accepted: Accepted) -> None:
        """Do one request as the model's role, whatever comes of it."""
        models = accepted.row["_Models"]
        role = next(iter(models.values()))["ExecutionRoleArn"]
        session = credentials.assume_role(role, "SageMaker", accepted.scope, self._settings.endpoint_url)
        try:
            reply, reason = self._answer(accepted, session)
            _put_answer(session, accepted, reply, reason)
            _notify(session, accepted, reply, reason)
        except (ClientError, BotoCoreError) as error:
            logger.warning("asynchronous inference %s is lost: %s", accepted.inference_id, error)
        finally:
            session.forget()

    def _answer(self, accepted: Accepted, session: credentials.RoleSession) -> tuple[Reply | None, str]:
        """Return the container's answer, or None and why there is none."""
        if accepted.is_expired(time.time()):
            return None, "The request expired: it was in the queue for longer than RequestTTLSeconds."
        bucket, key = s3uri.split_s3_uri(accepted.source)
        try:
            body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            reply, _ = self._runtime.send(
                accepted.row, accepted.scope, accepted.headers, body, accepted.timeout_s
            )
        except ApiError as error:
            return None, str(error.message)
        except (ClientError, BotoCoreError) as error:
            return None, f"Could not read {accepted.source}: {error}"
        return reply, ""


def _accepted(row: Row, scope: Scope, headers: dict[str, str]) -> Accepted:
    source = headers.get(f"{_PREFIX}inputlocation", "")
    if not source.startswith("s3://"):
        raise ApiError("ValidationError", "InputLocation must be the S3 URI of the request (no Body here).")
    output = row["AsyncInferenceConfig"]["OutputConfig"]
    inference_id = headers.get(f"{_PREFIX}inference-id") or str(uuid.uuid4())
    failure = output.get("S3FailurePath")
    name = str(uuid.uuid4())
    return Accepted(
        row=row,
        scope=scope,
        headers={_PLAIN.get(name, name): value for name, value in headers.items() if name != "content-type"},
        inference_id=inference_id,
        source=source,
        output=f"{output['S3OutputPath'].rstrip('/')}/{name}.out",
        failure=f"{failure.rstrip('/')}/{name}-error.out" if failure else None,
        ttl_s=float(headers.get(f"{_PREFIX}requestttlseconds") or _DEFAULT_TTL_S),
        timeout_s=float(headers.get(f"{_PREFIX}invocationtimeoutseconds") or _DEFAULT_TIMEOUT_S),
        received_at=time.time(),
    )


def _put_answer(
    session: credentials.RoleSession, accepted: Accepted, reply: Reply | None, reason: str
) -> None:
    uri = accepted.failure if reply is None else accepted.output
    if uri is None:
        return
    bucket, key = s3uri.split_s3_uri(uri)
    kind = _content_type(reply) if reply else "text/plain"
    body = reply.body if reply else reason.encode()
    session.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)


def _notify(session: credentials.RoleSession, accepted: Accepted, reply: Reply | None, reason: str) -> None:
    topics = accepted.row["AsyncInferenceConfig"]["OutputConfig"].get("NotificationConfig") or {}
    topic = topics.get("ErrorTopic" if reply is None else "SuccessTopic")
    if topic:
        session.client("sns").publish(TopicArn=topic, Message=json.dumps(_message(accepted, reply, reason)))


def _message(accepted: Accepted, reply: Reply | None, reason: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "awsRegion": accepted.scope.region,
        "eventTime": _iso(time.time()),
        "receivedTime": _iso(accepted.received_at),
        "invocationStatus": "Completed" if reply else "Failed",
        "requestParameters": {
            "contentType": accepted.headers.get("content-type"),
            "endpointName": accepted.row["EndpointName"],
            "inputLocation": accepted.source,
        },
        "inferenceId": accepted.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if reply:
        return message | {
            "responseParameters": {"contentType": _content_type(reply), "outputLocation": accepted.output}
        }
    return message | {"failureReason": reason}


def _content_type(reply: Reply) -> str:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return headers.get("content-type", "application/octet-stream")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
