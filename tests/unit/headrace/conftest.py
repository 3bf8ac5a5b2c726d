import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headrace.cli import cli
from headrace.session import Session
from tests.unit.headrace.fake_stage import TOKEN, URL

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command line against a transport, in an empty folder, with a clock that only sleeping moves."""

    def call(transport: Any, *args: str, text: str | bytes | None = None, **options: Any) -> Result:
        now = itertools.count()
        session = Session(
            environ={"HEADRACE_URL": URL, "HEADRACE_TOKEN": TOKEN},
            folder=tmp_path,
            transport=lambda: transport,
            sleep=lambda _: None,
            monotonic=lambda: float(next(now)),
        )
        for name, value in options.items():
            setattr(session, name, value)
        return CliRunner().invoke(cli, list(args), obj=session, input=text)

    return call
