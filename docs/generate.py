"""Write the generated reference: `python -m docs.generate`; `--check` only says what is out of date.

What it writes is committed, and a test asserts that it equals the code.
"""

import importlib.util
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from docs.alarms_page import alarms_page
from docs.api_page import api_page
from docs.aws_errors.page import aws_errors
from docs.figures import figures
from docs.hostile_page import hostile_inputs
from docs.limits import limits
from docs.pipeline_keys import pipeline_keys
from docs.reason_pages import reason_codes, reason_pages
from docs.state_machines import state_machines
from headrace.reference import reference
from infra.observability.dashboards import grafana
from infra.observability.template import template
from shared.entities.dataset import DatasetManifest
from shared.entities.pipeline import PipelineDefinition
from shared.entities.training import ModelManifest
from shared.events import EVENTS, json_schema
from shared.http.openapi import openapi

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("ingest", "training", "inference")


def generated() -> Iterator[tuple[Path, str]]:
    """Yield path and text of every generated file."""
    for event in EVENTS:
        name = f"{event.__name__}.v{event.schema_version}.json"
        yield ROOT / "docs" / "schemas" / "events" / name, _json(json_schema(event))
    models: dict[str, Any] = {
        "pipeline.v1": PipelineDefinition,
        "dataset-manifest.v1": DatasetManifest,
        "model-manifest.v1": ModelManifest,
    }
    for name, model in models.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(model)}
        yield ROOT / "docs" / "schemas" / f"{name}.json", _json(schema)
    yield ROOT / "docs" / "reference" / "pipeline-keys.md", pipeline_keys()
    yield ROOT / "docs" / "reference" / "cli.md", reference()
    yield ROOT / "docs" / "reference" / "limits.md", limits()
    yield ROOT / "docs" / "reference" / "figures.md", figures()
    yield ROOT / "docs" / "reference" / "hostile-inputs.md", hostile_inputs()
    yield ROOT / "docs" / "reference" / "state-machines.md", state_machines()
    yield ROOT / "docs" / "reference" / "aws-errors.md", aws_errors()
    yield ROOT / "infra" / "observability.yaml", template()
    yield ROOT / "infra" / "grafana.json", _json(grafana())
    yield ROOT / "docs" / "reference" / "alarms.md", alarms_page()
    yield from reason_pages()
    yield ROOT / "docs" / "reference" / "reason-codes.md", reason_codes()
    operations = [operation for service in SERVICES for operation in load_app(service).api.operations]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    document = openapi(operations, version=project["version"])
    yield ROOT / "docs" / "reference" / "openapi.json", _json(document)
    yield ROOT / "console" / "api", api_page(document)


def load_app(service: str) -> Any:
    """Import ``<service>_service/app.py`` under a name of its own, with the environment its templates name."""
    folder = ROOT / f"{service}_service"
    sys.path.insert(0, str(folder))
    before = dict(os.environ)
    os.environ.update(placeholder_environment(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"{service}_app", folder / "app.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"no app in {folder}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"{service}_app"] = module
        spec.loader.exec_module(module)
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.path.remove(str(folder))
    return module


def placeholder_environment(folder: Path) -> Mapping[str, str]:
    """Return the service's environment with each deploy-time value replaced by a harmless one."""
    template = (folder / ".chalice" / "templates" / "config.json").read_text(encoding="utf-8")
    template = template.replace("${Recipes}", "{}").replace("${Stage}", "local")
    (stage,) = json.loads(template)["stages"].values()
    variables: dict[str, str] = stage["environment_variables"]
    return {name: "placeholder" if value.startswith("${") else value for name, value in variables.items()}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write what differs; with ``--check`` name it instead and return 1 if anything does."""
    stale = [
        (path, text)
        for path, text in generated()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        print(f"{'out of date' if '--check' in arguments else 'wrote'}: {path.relative_to(ROOT)}")
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
