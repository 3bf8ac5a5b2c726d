"""What one call of the command works with; tests pass their own."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.client.transport import Transport
    from headrace.progress import Progress

LOCAL = "local"


def _http() -> "Transport":
    from headrace.client.transport import HttpTransport

    return HttpTransport()


@dataclass(kw_only=True)
class Session:
    """The options of this call, and the doors to the world: network, clock, environment, folder.

    A dataclass and not a struct: it exists before any command is known, and `msgspec` costs start-up time.
    """

    stage_asked: str | None = None
    output: str = "table"
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    transport: Callable[[], "Transport"] = _http
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _progress: Any = None

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.stage_asked or self.environ.get("HEADRACE_STAGE") or LOCAL

    @property
    def api(self) -> "Api":
        """The REST API of the stage, with the token that environment or folder hold for it."""
        from headrace.client.api import Api
        from headrace.client.credentials import find_credentials

        credentials = find_credentials(self.stage_asked, self.environ, self.folder)
        return Api(credentials, self.transport(), self.sleep)

    @property
    def progress(self) -> "Progress":
        """Where progress goes: Rich on a terminal, plain lines otherwise."""
        if self._progress is None:
            from headrace.progress import progress_on_stderr

            self._progress = progress_on_stderr()
        progress: Progress = self._progress
        return progress

    def show(self, rows: Any, columns: tuple[str, ...] = ()) -> None:
        """Print data on stdout in the form asked for; `columns` are those of the table and the CSV."""
        from headrace.output import write

        write(rows, columns, self.output)

    def stream(self, rows: Any, columns: tuple[str, ...]) -> None:
        """Print rows on stdout as they come; `columns` are those of the table and the CSV."""
        from headrace.output import stream

        stream(rows, columns, self.output)
