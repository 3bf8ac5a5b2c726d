"""What a processing container finds under /opt/ml, and which requests one machine can serve."""

import codecs
import json
import posixpath
from pathlib import Path
from typing import Any, Final

from localcloud.sagemaker.errors import ClientJobError, unsupported, validation
from localcloud.sagemaker.jobs.job_limits import check_one_instance, folder_at, is_under
from localcloud.sagemaker.store import Row

_ROOT: Final = "/opt/ml/processing"
_MESSAGE_BYTES: Final = 1024
# What AWS's processingjobconfig.json holds: the request, and the ARN the job got.
_CONFIGURED: Final = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ExperimentConfig",
    "NetworkConfig",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
)


def write_configuration(base: Path, row: Row, host: str, opt_ml: str) -> None:
    """Make the folders, processingjobconfig.json and resourceconfig.json; an output's folder exists at the start.

    `opt_ml` is where the container sees `base`; every LocalPath in the configuration is told accordingly.
    """
    folders = [folder_at(base, output["LocalPath"]) for output in s3_outputs(row)]
    for folder in [base / "config", base / "output", base / "processing", *folders]:
        folder.mkdir(parents=True, exist_ok=True)
    job = {name: row[name] for name in _CONFIGURED if name in row}
    text = json.dumps(_with_local_paths(job, opt_ml))
    (base / "config" / "processingjobconfig.json").write_text(text, encoding="utf-8")
    resources = {"current_host": host, "hosts": [host]}
    (base / "config" / "resourceconfig.json").write_text(json.dumps(resources), encoding="utf-8")


def exit_message(base: Path) -> str | None:
    """Return the first KB of /opt/ml/output/message, the job's ExitMessage; None when there is none.

    Raises
    ------
    ClientJobError
        It is not UTF-8, which AWS takes for the caller's fault whatever the exit code was.
    """
    path = base / "output" / "message"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_MESSAGE_BYTES)
    try:
        # A character the limit cuts in two is left out; one that ends too early is an error.
        is_whole = len(head) < _MESSAGE_BYTES
        return codecs.getincrementaldecoder("utf-8")().decode(head, final=is_whole)
    except UnicodeDecodeError as error:
        raise ClientJobError(f"The exit message /opt/ml/output/message is not UTF-8: {error}") from error


def s3_inputs(row: Row) -> list[Row]:
    """Return the S3Input of every input."""
    return [item["S3Input"] for item in row.get("ProcessingInputs") or []]


def s3_outputs(row: Row) -> list[Row]:
    """Return the S3Output of every output."""
    return [item["S3Output"] for item in (row.get("ProcessingOutputConfig") or {}).get("Outputs") or []]


def check_local_limits(request: Row) -> None:
    """Refuse what AWS refuses beyond the shapes, and what AWS would do and one machine cannot."""
    check_one_instance(request["ProcessingResources"]["ClusterConfig"], "ProcessingResources.ClusterConfig")
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise unsupported("a job needs AppSpecification.ContainerEntrypoint (its images have none)")
    _check_inputs(request.get("ProcessingInputs") or [])
    _check_outputs((request.get("ProcessingOutputConfig") or {}).get("Outputs") or [])


def _check_inputs(inputs: list[Row]) -> None:
    for item in inputs:
        _check_place(item, "S3Input", f"input {item['InputName']!r}")
        _check_mode(item["S3Input"], item["InputName"])
    _check_unique("input name", [item["InputName"] for item in inputs])
    # AWS answers two inputs in one folder with an empty ValidationException (sagemaker-python-sdk #4939).
    _check_unique("input LocalPath", [posixpath.normpath(item["S3Input"]["LocalPath"]) for item in inputs])


def _check_outputs(outputs: list[Row]) -> None:
    for item in outputs:
        _check_place(item, "S3Output", f"output {item['OutputName']!r}")
    _check_unique("output name", [item["OutputName"] for item in outputs])


def _check_place(item: Row, member: str, what: str) -> None:
    """Check that SageMaker itself moves the data, between S3 and a folder of its own."""
    if item.get("AppManaged") or not item.get(member):
        raise unsupported(f"{what} has an {member} and is not AppManaged")
    if not item[member]["S3Uri"].startswith("s3://"):
        raise unsupported(f"{what} has an S3Uri that begins with s3://")
    if not is_under(item[member].get("LocalPath", ""), _ROOT):
        raise validation(f"LocalPath of {what} must begin with {_ROOT}/.")


def _check_mode(source: Row, name: str) -> None:
    if source.get("S3InputMode", "File") != "File":
        raise unsupported(f"input {name!r} has S3InputMode File")
    if source.get("S3CompressionType", "None") != "None":
        raise validation(
            f"S3CompressionType of input {name!r} must be None: "
            "Gzip can only be used when Pipe mode is specified as the S3InputMode."
        )


def _check_unique(what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise validation(f"Each {what} must be unique within a processing job; {value!r} is there twice.")
        seen.add(value)


def _with_local_paths(value: Any, opt_ml: str) -> Any:
    """Return a copy of the configuration in which every LocalPath leads to where the container sees it."""
    if isinstance(value, list):
        return [_with_local_paths(item, opt_ml) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item.replace("/opt/ml", opt_ml, 1) if name == "LocalPath" else _with_local_paths(item, opt_ml)
        for name, item in value.items()
    }
