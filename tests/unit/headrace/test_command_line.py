import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from headrace.cli import SECTIONS, cli
from headrace.reference import reference
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

ROOT = Path(__file__).resolve().parents[3]
ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


def test_the_start_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys\nfrom headrace.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "heavy = {'rich', 'yaml', 'msgspec', 'boto3', 'botocore', 'numpy', 'infra', 'localcloud', 'urllib.request',"
        " 'headrace.client', 'headrace.operate'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("buffering", ["", "1"])
def test_a_full_disk_behind_stdout_is_one_line(buffering: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "headrace", "--version"],
            env=dict(os.environ, PYTHONUNBUFFERED=buffering),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "Error: [Errno 28] No space left on device\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["watch", "--timeout", "0"],
        ["models", "ls", "p", "--limit", "0"],
        ["jobs", "ls", "p", "--limit", "-1"],
    ],
)
def test_a_number_that_means_nothing_is_wrong_usage(run: Run, arguments: list[str]) -> None:
    assert run(Nobody(), *arguments).exit_code == 2


@pytest.mark.parametrize("name", ENTRIES)
def test_the_summary_in_the_table_is_the_first_line_of_the_command(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").split("\n")[0] == ENTRIES[name].summary


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs/reference/cli.md").read_text() == reference(), "run `make docs`"


def test_the_client_knows_nothing_of_aws_services_or_local_cloud() -> None:
    code = (
        "import importlib, pkgutil, sys, headrace.client as client\n"
        "for found in pkgutil.walk_packages(client.__path__, 'headrace.client.'): importlib.import_module(found.name)\n"
        "foreign = {'boto3', 'botocore', 'infra', 'localcloud', 'shared', 'chalicelib', 'headrace.operate'}\n"
        "sys.exit(', '.join(sorted(foreign & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
