"""Data capture: what went into an endpoint and what came out, as JSON lines in S3.

The lines, the folders by hour and the encodings are those of the developer guide (model-monitor-data-capture); AWS collects more
requests in a file than the half second here.
"""

import base64
import json
import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import credentials, s3uri
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Row, Scope
from localcloud.sagemaker.unix_http import Reply

_WRITE_EVERY_S: Final = 0.5
logger = logging.getLogger(__name__)


class DataCapture:
    """Collects what is captured and writes it behind the requests' back, each model as its own role."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: defaultdict[tuple[str, str, Scope], list[str]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(
        self, row: Row, variant: str, scope: Scope, *, sent: dict[str, str], body: bytes, reply: Reply
    ) -> None:
        """Note one request and its answer where the endpoint's configuration captures it."""
        config = row.get("_Capture")
        if not config or not config.get("EnableCapture", True) or not _is_sampled(config):
            return
        line = capture_line(config, sent=sent, body=body, reply=reply)
        where = f"{config['DestinationS3Uri'].rstrip('/')}/{row['EndpointName']}/{variant}"
        key = where, row["_Models"][variant]["ExecutionRoleArn"], scope
        with self._lock:
            is_first = not self._waiting
            self._waiting[key].append(line)
        # The first line of a while starts the clock; whatever comes until it rings goes along.
        if is_first:
            timer = threading.Timer(_WRITE_EVERY_S, self.write)
            timer.daemon = True
            timer.start()

    def write(self) -> None:
        """Write what waits, one file for each variant."""
        with self._lock:
            taken, self._waiting = self._waiting, defaultdict(list)
        for (where, role, scope), lines in taken.items():
            self._upload(where, role, scope, lines)

    def _upload(self, where: str, role: str, scope: Scope, lines: list[str]) -> None:
        now = datetime.now(UTC)
        name = f"{now:%Y/%m/%d/%H}/{now:%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        bucket, key = s3uri.split_s3_uri(f"{where}/{name}")
        session = credentials.assume_role(role, "SageMaker", scope, self._settings.endpoint_url)
        try:
            body = "".join(f"{line}\n" for line in lines).encode()
            session.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        # Nobody who asked for a prediction must hear of this, on AWS as here.
        except (ClientError, BotoCoreError) as error:
            logger.warning("captured data for %s is lost: %s", where, error)
        finally:
            session.forget()


def capture_line(config: Row, *, sent: dict[str, str], body: bytes, reply: Reply) -> str:
    """Return one line: what the configuration wants of a request and its answer, encoded by content type."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        captured["endpointInput"] = _side(config, "INPUT", sent.get("content-type"), body)
    if modes & {"Output", "InputAndOutput"}:
        types = {name.lower(): value for name, value in reply.headers.items()}
        captured["endpointOutput"] = _side(config, "OUTPUT", types.get("content-type"), reply.body)
    metadata = {
        "eventId": str(uuid.uuid4()),
        "inferenceTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if inference_id := sent.get("x-amzn-sagemaker-inference-id"):
        metadata["inferenceId"] = inference_id
    return json.dumps({"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"})


def _side(config: Row, mode: str, content_type: str | None, body: bytes) -> dict[str, Any]:
    encoding = _encoding(config.get("CaptureContentTypeHeader") or {}, content_type)
    text = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}


def _encoding(headers: Row, content_type: str | None) -> str:
    """Return how a body is written: as text only where the configuration names its type."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if kind in [name.lower() for name in headers.get(member) or []]:
            return encoding
    return "BASE64"


def _is_sampled(config: Row) -> bool:
    percentage: int = config["InitialSamplingPercentage"]
    return random.random() * 100 < percentage  # noqa: S311 - sampling, not secrets
