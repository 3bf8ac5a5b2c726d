"""The files a training container finds under /opt/ml, as AWS's documentation lists them."""

import json
from pathlib import Path
from typing import Any, Final

from localcloud.sagemaker.errors import unsupported, validation
from localcloud.sagemaker.jobs.job_limits import check_one_instance, folder_at, is_under
from localcloud.sagemaker.store import Row

_CHECKPOINTS: Final = "/opt/ml/checkpoints"
_DRIVERS: Final = "sm_drivers"
_FOLDERS: Final = ("input/config", "input/data", "model", "output/data", "code", "checkpoints")


def write_configuration(base: Path, row: Row, host: str, opt_ml: str) -> None:
    """Make the folders and write hyperparameters.json, inputdataconfig.json and resourceconfig.json.

    `opt_ml` is where the container sees `base`: /opt/ml, or the folder itself where nothing can be
    mounted; paths in hyperparameters (`sagemaker_submit_directory`) are told accordingly.
    """
    for folder in _FOLDERS:
        (base / folder).mkdir(parents=True, exist_ok=True)
    for name, content in _configuration(row, host, opt_ml).items():
        (base / "input" / "config" / name).write_text(json.dumps(content), encoding="utf-8")


def _configuration(row: Row, host: str, opt_ml: str) -> dict[str, Any]:
    instance_type = row["ResourceConfig"]["InstanceType"]
    group = "homogeneousCluster"
    given = (row.get("HyperParameters") or {}).items()
    return {
        "hyperparameters.json": {name: value.replace("/opt/ml", opt_ml) for name, value in given},
        "inputdataconfig.json": {
            channel["ChannelName"]: _channel_configuration(channel, row)
            for channel in row.get("InputDataConfig") or []
        },
        "resourceconfig.json": {
            "current_host": host,
            "current_instance_type": instance_type,
            "current_group_name": group,
            "hosts": [host],
            "instance_groups": [
                {"instance_group_name": group, "instance_type": instance_type, "hosts": [host]}
            ],
            "network_interface_name": "eth0",
        },
    }


def _channel_configuration(channel: Row, row: Row) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    # FastFile shows the same files as File, only lazily; here they are simply there.
    configuration = {
        "TrainingInputMode": channel.get("InputMode") or row["AlgorithmSpecification"]["TrainingInputMode"],
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    if "ContentType" in channel:
        configuration["ContentType"] = channel["ContentType"]
    return configuration


def tell_drivers(base: Path, opt_ml: str) -> None:
    """Tell the SageMaker SDK's own driver scripts where the folder is; where it is /opt/ml they stay as they came.

    SDK 3 sends them along in a channel, and they spell the path out. A user's script is never touched.
    """
    if opt_ml == "/opt/ml":
        return
    for path in (base / "input" / "data" / _DRIVERS).rglob("*"):
        if path.suffix in (".sh", ".py", ".json"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("/opt/ml", opt_ml), encoding="utf-8")


def checkpoint_folder(base: Path, row: Row) -> Path | None:
    """Return the folder that is synchronised with S3, or None when the job asks for no checkpoints."""
    config = row.get("CheckpointConfig")
    if not config:
        return None
    return folder_at(base, config.get("LocalPath") or _CHECKPOINTS)


def check_local_limits(request: Row) -> None:
    """Refuse, in plain words, what AWS would do and one machine cannot."""
    check_one_instance(request.get("ResourceConfig") or {}, "ResourceConfig")
    if not request.get("AlgorithmSpecification", {}).get("TrainingImage"):
        raise unsupported(
            "a job needs AlgorithmSpecification.TrainingImage (there are no algorithm resources)"
        )
    for channel in request.get("InputDataConfig") or []:
        _check_channel(channel, request)
    _check_waiting_time(request)
    local = (request.get("CheckpointConfig") or {}).get("LocalPath") or _CHECKPOINTS
    if not is_under(local, "/opt/ml"):
        raise unsupported("CheckpointConfig.LocalPath lies under /opt/ml")


def _check_waiting_time(request: Row) -> None:
    """Hold spot capacity and MaxWaitTimeInSeconds together, in AWS's words."""
    stopping = request.get("StoppingCondition") or {}
    wait_s, run_s = stopping.get("MaxWaitTimeInSeconds"), stopping.get("MaxRuntimeInSeconds", 86400)
    if not request.get("EnableManagedSpotTraining"):
        if wait_s is not None:
            raise validation(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
            )
    elif wait_s is None or wait_s < run_s:
        raise validation(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )


def _check_channel(channel: Row, request: Row) -> None:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if not source or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise unsupported(f"channel {name!r} reads S3Prefix or ManifestFile from S3")
    mode = channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"]
    if mode == "Pipe":
        raise unsupported(f"channel {name!r} has input mode File or FastFile")
    if channel.get("CompressionType", "None") != "None":
        raise unsupported(f"channel {name!r} is not decompressed: CompressionType is None")
