"""Somebody else's rules: checkov finds what we leave out on purpose, what is off until it is chosen, and nothing more.

It judges templates that are filled in, since of a choice (`Fn::If`) it takes whatever is there for a value: once as they are deployed by
default, once with everything on.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.operate.commands.deploy import deploy as deploy_command
from infra.choices import AS_BEFORE, Choices
from infra.planning.plan import chosen, hardened_services, stack_resources
from infra.stage import Stage
from tests.infra import rules

ROOT = rules.INFRA.parent
CHECKOV = ROOT / ".venv" / "runtimes" / "checkov" / "bin"
# A minute of CPU time, on a machine that does nothing else.
pytestmark = pytest.mark.timeout(900)
SKIPS = yaml.safe_load(Path(__file__).with_name("checkov_skips.yaml").read_text())
DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
EVERYTHING = Choices(own_key=KEY, access_logs="access-logs", web_acl=True, alert_email="ops@example.org")
STAGES = {"default": AS_BEFORE, "everything": EVERYTHING}

Failed = Mapping[str, list[str]]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Failed]:
    """The failed checks by default and with everything on, each with the resources that fail it."""
    folder = tmp_path_factory.mktemp("templates")
    for name, choices in STAGES.items():
        _write_templates(folder / name, choices)
    # Without the switch it would ask its maker's server for advice.
    options = ["-d", ".", "--framework", "cloudformation", "-o", "json", "--quiet", "--skip-download"]
    done = subprocess.run(
        [CHECKOV / "python", CHECKOV / "checkov", *options],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
    )
    assert done.stdout, done.stderr
    found: dict[str, dict[str, list[str]]] = {name: {} for name in STAGES}
    for check in json.loads(done.stdout)["results"]["failed_checks"]:
        _, name, file = check["file_path"].split("/")
        found[name].setdefault(check["check_id"], []).append(f"{file} {check['resource']}")
    return found


def _write_templates(folder: Path, choices: Choices) -> None:
    folder.mkdir()
    of = chosen(DEV, choices)
    stacks = {name: _template(made) for name, made in stack_resources(of).items()}
    for name, template in {**stacks, **hardened_services(of, ROOT)}.items():
        (folder / f"{name}.json").write_text(json.dumps(template))


def _template(resources: Mapping[str, Any]) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _checks(part: str) -> set[str]:
    return {check for skip in SKIPS[part] for check in skip["checks"]}


def test_with_everything_on_nothing_fails_but_what_is_left_out_on_purpose(
    failed: Mapping[str, Failed],
) -> None:
    left_out = _checks("always")
    assert {check: where for check, where in failed["everything"].items() if check not in left_out} == {}
    assert left_out - failed["everything"].keys() == set()


def test_by_default_what_is_off_fails_besides_and_nothing_else(failed: Mapping[str, Failed]) -> None:
    assert failed["default"].keys() == _checks("always") | _checks("off_by_default")


def test_at_most_eight_checks_are_left_out_and_each_has_a_reason() -> None:
    assert len(_checks("always")) <= 8
    assert all(len(skip["reason"]) > 60 for part in SKIPS.values() for skip in part)


def test_what_is_off_is_turned_on_by_an_option_of_deploy() -> None:
    options = {name for parameter in deploy_command.params for name in parameter.opts}
    assert {skip["option"] for skip in SKIPS["off_by_default"]} <= options
