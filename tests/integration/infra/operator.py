"""Runs the operator's commands in this process, on calls that break."""

import itertools
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from headrace.cli import cli
from headrace.failures import Unreachable
from headrace.session import Session
from infra.stage import Stage
from tests.integration.infra.broken_calls import FAULTS, Breaker, Fault, Operation


class Operator:
    """Has a checkout, and a stage that is there or not."""

    def __init__(self, stage: Stage, root: Path, calls: Breaker) -> None:
        self.stage = stage
        self.calls = calls
        self._root = root
        self._faults = itertools.cycle(FAULTS)

    def run(self, *arguments: str) -> Result:
        """Run a command to its end."""
        session = Session(stage_asked=self.stage.name, folder=self._root)
        return CliRunner().invoke(cli, arguments, obj=session)

    def operations(self, *arguments: str) -> set[Operation]:
        """Return what the command asks for when nothing goes wrong."""
        asked: set[Operation] = set()

        def note(operation: Operation) -> bool:
            asked.add(operation)
            return False

        with self.calls.armed(note, Fault()):
            result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return asked

    def broken_off(self, wanted: Callable[[Operation], bool], *arguments: str) -> set[Operation]:
        """Run the command again and again, each time broken at a wanted operation that did not break it yet.

        Returns them once a run meets none any more and comes through.
        """
        broken: set[Operation] = set()
        while True:
            fault = next(self._faults)
            with self.calls.armed(lambda one: one not in broken and wanted(one), fault):
                result = self.run(*arguments)
            if self.calls.struck is None:
                assert result.exit_code == 0, result.output
                return broken
            broken.add(self.calls.struck)
            assert_told(result, fault, self.calls.struck)


def assert_told(result: Result, fault: Fault, where: Operation) -> None:
    """Hold that a run ended in one line with what to do, and with the documented exit code."""
    assert isinstance(result.exception, SystemExit), (where, result.exc_info)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: "), (where, result.stderr)
    assert "What to do:" in last, (where, last)
    assert result.exit_code == (1 if fault.code else Unreachable.exit_code), (where, last)
