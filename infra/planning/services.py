"""The templates of the three services as a deployment would make them, from a scratch copy of the checkout."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from infra.fingerprint import files_of
from infra.packaging import PACKED
from infra.render import render_service
from infra.services import SERVICES, folder_of, run_chalice
from infra.stage import Stage

Template = dict[str, Any]


def service_templates(stage: Stage, root: Path, values: Mapping[str, str]) -> dict[str, Template]:
    """Return Chalice's template of each service, rendered with *values*; the checkout's own files stay as they are.

    Raises
    ------
    RenderError, ChaliceFailed
    """
    with tempfile.TemporaryDirectory(prefix="headrace-plan-") as scratch, ThreadPoolExecutor(3) as pool:
        made = pool.map(partial(_template, stage, root, Path(scratch), values), SERVICES)
        return dict(zip(SERVICES, made, strict=True))


def _template(stage: Stage, root: Path, scratch: Path, values: Mapping[str, str], service: str) -> Template:
    source, copy = folder_of(root, service), scratch / service
    for name in PACKED:
        _copy(source / name, copy / name)
    shutil.copytree(source / ".chalice" / "templates", copy / ".chalice" / "templates")
    render_service(copy, values)
    told = run_chalice(stage, service, copy, "infra.planning.service_template")
    template: Template = json.loads(told.strip().splitlines()[-1])
    return template


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    elif source.is_dir():
        for name, path in files_of(source):
            _copy(path, target / name)
