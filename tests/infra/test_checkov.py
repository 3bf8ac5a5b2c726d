"""Somebody else's rules: checkov finds what we left out on purpose, for seven written reasons, and nothing more."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from infra.planning.plan import hardened_services
from infra.stage import Stage
from tests.infra import rules

ROOT = rules.INFRA.parent
CHECKOV = ROOT / ".venv" / "runtimes" / "checkov" / "bin"
# Half a minute of CPU time, on a machine that does nothing else.
pytestmark = pytest.mark.timeout(900)
SKIPS = yaml.safe_load(Path(__file__).with_name("checkov_skips.yaml").read_text())


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """The failed checks of every template, each with the resources that fail it."""
    folder = tmp_path_factory.mktemp("templates")
    for path in rules.INFRA.glob("*.yaml"):
        shutil.copy(path, folder)
    services = hardened_services(Stage(name="dev", region="eu-west-1", account="111122223333"), ROOT)
    for service, template in services.items():
        (folder / f"{service}.json").write_text(json.dumps(template))
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
    found: dict[str, list[str]] = {}
    for check in json.loads(done.stdout)["results"]["failed_checks"]:
        found.setdefault(check["check_id"], []).append(f"{check['file_path']} {check['resource']}")
    return found


def test_nothing_fails_but_what_was_left_out_on_purpose(failed: Mapping[str, list[str]]) -> None:
    skipped = {check for skip in SKIPS for check in skip["checks"]}
    assert {check: where for check, where in failed.items() if check not in skipped} == {}


def test_every_skip_is_still_needed(failed: Mapping[str, list[str]]) -> None:
    assert {check for skip in SKIPS for check in skip["checks"]} - set(failed) == set()


def test_there_are_few_reasons_and_each_says_why() -> None:
    assert len(SKIPS) <= 8
    assert all(len(skip["reason"]) > 60 for skip in SKIPS)
