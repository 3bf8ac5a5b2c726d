"""What a transform job does, step by step: one model server, every object asked in payloads, one output each.

An object with a payload that is refused has no output and fails the job in the end; the others are asked all the same
and have theirs: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import gzip
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import artifacts, hosting
from localcloud.sagemaker.endpoint_process import StartFailed, VariantProcess, VariantSpec
from localcloud.sagemaker.errors import ClientJobError, JobError
from localcloud.sagemaker.jobs import channels, job_status, transform_joins, transform_records
from localcloud.sagemaker.jobs.job_run import JobRun
from localcloud.sagemaker.store import TRANSFORM_JOB, Row
from localcloud.sagemaker.unix_http import Reply

LOG_GROUP: Final = "/aws/sagemaker/TransformJobs"
# The API reference's default of InvocationsTimeoutInSeconds.
_TIMEOUT_S: Final = 600
# That of InvocationsMaxRetries.
_RETRIES: Final = 3
_RETRY_PAUSE_S: Final = 0.2
# What an algorithm may propose for itself: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
_PROPOSED: Final = ("MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB")


def transform(job: JobRun) -> None:
    """Tell the whole story: server, inputs, outputs, end."""
    server = VariantProcess(_spec(job), job.settings, job.containers)
    try:
        try:
            server.start()
        except StartFailed as error:
            raise JobError("AlgorithmError", str(error)) from error
        job.change(lambda row: row.update(TransformStartTime=time.time()))
        # What the request says comes before what the container proposes.
        job.row = _execution_parameters(server) | job.row
        _transform_all(job, server)
    finally:
        server.stop()
    status = "Stopped" if job.is_stopped() else "Completed"
    job.change(lambda row: job_status.move(TRANSFORM_JOB, row, status))


def _spec(job: JobRun) -> VariantSpec:
    """Return the server of this job: the model's, with what containers of transform jobs are told."""
    row, model = job.row, job.row["_Model"]
    strategy = "MULTI_RECORD" if row.get("BatchStrategy", "MultiRecord") == "MultiRecord" else "SINGLE_RECORD"
    told = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": strategy,
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(row.get("MaxPayloadInMB", 6)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(row.get("MaxConcurrentTransforms") or 1),
    }
    container = hosting.container_of(model)
    environment = {**(container.get("Environment") or {}), **told, **(row.get("Environment") or {})}
    own = {name: value for name, value in model.items() if name not in ("PrimaryContainer", "Containers")}
    return VariantSpec(
        endpoint_name=job.name,
        scope=job.scope,
        variant={"VariantName": "transform"},
        model=own | {"PrimaryContainer": container | {"Environment": environment}},
        log_group=LOG_GROUP,
    )


def _execution_parameters(server: VariantProcess) -> Row:
    """Return what the container proposes, nothing where it has no opinion."""
    reply = server.pool.get("/execution-parameters", timeout_s=2)
    try:
        told = json.loads(reply.body) if reply and reply.status == 200 else {}
    except ValueError:
        told = {}
    return {name: told[name] for name in _PROPOSED if isinstance(told, dict) and name in told}


def _transform_all(job: JobRun, server: VariantProcess) -> None:
    s3 = job.session.client("s3")
    source = job.row["TransformInput"]["DataSource"]["S3DataSource"]
    first: JobError | None = None
    for item in channels.list_sources(s3, source, job.role_arn, job.scope.region):
        try:
            _transform_one(job, server, s3, item)
        except JobError as error:
            first = first or error
        if job.is_stopped():
            return
    if first:
        raise first


def _transform_one(job: JobRun, server: VariantProcess, s3: Any, item: channels.Source) -> None:
    """Ask an object's payloads and write its output, unless the job was stopped meanwhile."""
    body = _read(s3, item, job.row)
    answers = _ask(job, server, transform_joins.filtered(body, job.row))
    if job.is_stopped():
        return
    output = transform_joins.joined(body, transform_records.assemble(answers, job.row), job.row)
    path = job.work / "output" / f"{item.file_name}.out"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(output)
    artifacts.upload_file(s3, path, transform_records.output_uri(job.row, item.file_name))


def _read(s3: Any, item: channels.Source, row: Row) -> bytes:
    try:
        body: bytes = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].read()
        is_packed = row["TransformInput"].get("CompressionType", "None") == "Gzip"
        return gzip.decompress(body) if is_packed else body
    except (ClientError, BotoCoreError, OSError, EOFError) as error:
        raise ClientJobError(f"Cannot read s3://{item.bucket}/{item.key}: {error}") from error


def _ask(job: JobRun, server: VariantProcess, body: bytes) -> list[bytes]:
    """Return the answers in the order of the payloads, as many at a time as the request allows."""

    def answer(payload: bytes) -> bytes:
        return b"" if job.is_stopped() else _invoke(job, server, payload)

    with ThreadPoolExecutor(int(job.row.get("MaxConcurrentTransforms") or 1)) as pool:
        return list(pool.map(answer, transform_records.payloads(body, job.row)))


def _invoke(job: JobRun, server: VariantProcess, payload: bytes) -> bytes:
    """Return the answer to a payload; what fails on the server's side is asked again."""
    again = (job.row.get("ModelClientConfig") or {}).get("InvocationsMaxRetries", _RETRIES)
    reply = _post(job, server, payload)
    while again > 0 and (reply is None or reply.status >= 500):
        if job.wait_until_stopped(_RETRY_PAUSE_S):
            return b""
        again -= 1
        reply = _post(job, server, payload)
    return _answered(reply)


def _answered(reply: Reply | None) -> bytes:
    """Return the body of a good reply.

    Raises
    ------
    JobError
        There was none, or it refused; the error says on whose side.
    """
    if reply is None:
        raise JobError("AlgorithmError", "The container did not answer. See job logs for more information")
    if reply.status >= 400:
        text = reply.body.decode(errors="replace")
        raise JobError(
            "ClientError" if reply.status < 500 else "AlgorithmError",
            f"Bad HTTP status received from algorithm: {reply.status}: {text}",
        )
    return reply.body


def _post(job: JobRun, server: VariantProcess, payload: bytes) -> Reply | None:
    headers = {"Content-Type": job.row["TransformInput"].get("ContentType") or "application/octet-stream"}
    if accept := job.row["TransformOutput"].get("Accept"):
        headers["Accept"] = accept
    timeout_s = (job.row.get("ModelClientConfig") or {}).get("InvocationsTimeoutInSeconds", _TIMEOUT_S)
    try:
        return server.pool.post("/invocations", payload, headers, timeout_s)
    except (OSError, http.client.HTTPException):
        return None
