"""Deploy the three Chalice services, side by side, each only when something of it changed."""

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from infra import records
from infra.errors import ChaliceFailed
from infra.fingerprint import digest_of
from infra.packaging import PACKED, lay_out
from infra.records import Record
from infra.stage import Stage

SERVICES = ("ingest", "training", "inference")
_REPOSITORY = Path(__file__).resolve().parents[1]
_TIMEOUT_S = 900
_TOLD_CHARS = 1500


class ServiceDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it is now on the stage; `changed` says whether this call deployed it."""

    service: str
    record: Record
    changed: bool


def deploy_services(stage: Stage, *, root: Path, bucket: str) -> list[ServiceDeployment]:
    """Deploy every service of *root* whose folder, shared code or rendered files differ from what runs.

    Raises
    ------
    ChaliceFailed
        With the end of what Chalice printed. The other services have been tried nevertheless.
    """
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        futures = [pool.submit(_deploy, stage, service, root, bucket) for service in SERVICES]
    return [future.result() for future in futures]


def folder_of(root: Path, service: str) -> Path:
    """Return the folder of *service*."""
    return root / f"{service}_service"


def build_of(root: Path, stage: Stage, service: str) -> Path:
    """Return the folder that Chalice packs for *stage*."""
    return root / ".headrace" / "build" / stage.name / service


def fingerprint(folder: Path) -> str:
    """Return the digest of all that decides what Chalice would make of *folder*."""
    rendered = sorted((folder / ".chalice").glob("*.json"))
    chalice = importlib.metadata.version("chalice")
    return f"chalice-{chalice}-{digest_of(*(folder / name for name in PACKED), *rendered)}"


def runs(stage: Stage, record: Record) -> bool:
    """Say whether every function of the record exists with the recorded code, and the API too."""
    functions, apis = stage.client("lambda"), stage.client("apigateway")
    try:
        apis.get_rest_api(restApiId=record.api_id)
        return _code_of(stage, record.functions) == record.code
    except (functions.exceptions.ResourceNotFoundException, apis.exceptions.NotFoundException):
        return False


def _deploy(stage: Stage, service: str, root: Path, bucket: str) -> ServiceDeployment:
    folder = folder_of(root, service)
    stored = records.read(stage, bucket, service)
    record = None if stored is None else stored.record
    records.pull(record, folder, stage)
    mark = fingerprint(folder)
    if record is not None and record.fingerprint == mark and runs(stage, record):
        return ServiceDeployment(service=service, record=record, changed=False)
    run_chalice(stage, service, lay_out(folder, build_of(root, stage, service)))
    chalice = json.loads(records.deployed_file(folder, stage).read_text())
    record = Record(fingerprint=mark, code=_code_of(stage, records.functions_of(chalice)), chalice=chalice)
    records.save(stage, bucket, service, record, instead_of=stored)
    return ServiceDeployment(service=service, record=record, changed=True)


def run_chalice(stage: Stage, service: str, build: Path, module: str = "infra.chalice_app") -> str:
    """Let *module* do its work on *build* in a process of its own and return what it printed.

    Raises
    ------
    ChaliceFailed
        With the end of what was printed.
    """
    environment = {
        **stage.environment(os.environ),
        # API Gateway takes one new API in some seconds, and three services ask at once.
        "AWS_RETRY_MODE": "standard",
        "AWS_MAX_ATTEMPTS": "10",
        "PYTHONPATH": str(_REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",  # importing the app must not add byte code to what is packed
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    command = [sys.executable, "-m", module, str(build), stage.name, service]
    done = subprocess.run(
        command, cwd=build, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip())[-_TOLD_CHARS:]
        raise ChaliceFailed(f"{service}: {told}")
    return done.stdout


def _code_of(stage: Stage, functions: Iterable[str]) -> dict[str, str]:
    client = stage.client("lambda")
    return {name: client.get_function_configuration(FunctionName=name)["CodeSha256"] for name in functions}
