"""One figure of all seeds, whichever of xdist's processes lived through them."""

import pytest

from tests.conftest import RECORDER

FIGURE = "uploads simulated under faults: lost, trained twice"
PROOF = "tests/proof/simulation/test_a_million_uploads.py::test_ten_thousand_uploads_keep_every_promise"
UPLOADS = "simulated uploads"


class Total:
    """Adds up what the tests report; pytest brings reports from every process to this one."""

    def __init__(self) -> None:
        self.uploads = 0
        self.has_failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a seed that kept every promise."""
        told = dict(report.user_properties)
        self.has_failed |= report.failed and report.nodeid.startswith(PROOF)
        if report.when == "call" and report.passed:
            self.uploads += int(str(told.get(UPLOADS, 0)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note the figure before all figures are written; where a promise was broken there is none."""
        if self.uploads and not self.has_failed:
            session.config.stash[RECORDER].note(FIGURE, f"0, 0 of {self.uploads:,}", PROOF)


def pytest_configure(config: pytest.Config) -> None:
    """Let this process add up, unless it is one of several that only run tests."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Total())
