"""The `SM_*` variables that a script in script mode is told by, as AWS's toolkit names them."""

import json
import os
from pathlib import Path
from typing import Any


def script_environment(base: Path, parameters: dict[str, Any]) -> dict[str, str]:
    """Return this process's environment with what SageMaker told the container."""
    data, own = base / "input" / "data", _own(parameters)
    channels = sorted(path.name for path in data.iterdir() if path.is_dir()) if data.is_dir() else []
    hosts = _hosts(base / "input" / "config" / "resourceconfig.json")
    said = {
        "SM_MODEL_DIR": base / "model",
        "SM_INPUT_DIR": base / "input",
        "SM_INPUT_CONFIG_DIR": base / "input" / "config",
        "SM_OUTPUT_DIR": base / "output",
        "SM_OUTPUT_DATA_DIR": base / "output" / "data",
        "SM_CHANNELS": json.dumps(channels),
        "SM_CURRENT_HOST": hosts.get("current_host", "algo-1"),
        "SM_HOSTS": json.dumps(hosts.get("hosts", ["algo-1"])),
        "SM_NUM_CPUS": os.cpu_count() or 1,
        "SM_HPS": json.dumps(own),
        **{f"SM_CHANNEL_{name.upper()}": data / name for name in channels},
        **{f"SM_HP_{name.upper()}": value for name, value in own.items()},
    }
    for folder in ("model", "output/data", "checkpoints"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    return {**os.environ, **{name: str(value) for name, value in said.items()}}


def _own(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are the script's; the rest are orders to this program."""
    return {name: value for name, value in parameters.items() if not name.startswith("sagemaker_")}


def _hosts(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
