"""Progress on stderr: what is going on now, and each step with what it made and how long it took."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.status import Status

_NAME_WIDTH = 10


class Progress(Protocol):
    """Two implementations: Rich for a person at a terminal, plain lines for logs and pipes."""

    def doing(self, text: str) -> None:
        """Say what is going on now; the same text twice is said once."""
        ...

    def done(self, name: str, made: str, seconds: float | None = None) -> None:
        """Say that a step is over, what it made and how long it took."""
        ...

    def note(self, text: str) -> None:
        """Say something that is no step."""
        ...

    def close(self) -> None:
        """Take away what only shows the present."""
        ...


def progress_on_stderr() -> Progress:
    """Return Rich progress when stderr is a terminal."""
    return RichProgress() if sys.stderr.isatty() else PlainProgress(sys.stderr)


def duration(seconds: float) -> str:
    """Return a duration as people read it: `0.4 s`, `12.0 s`, `3 min 05 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def size(size_bytes: int) -> str:
    """Return a size as people read it."""
    number, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


class PlainProgress:
    """One line per event, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._now = ""

    def doing(self, text: str) -> None:
        """Print the text when it is news."""
        # A log of the same line twice a second would hide the steps.
        if text != self._now:
            self._now = text
            self._print(f"... {text}")

    def done(self, name: str, made: str, seconds: float | None = None) -> None:
        """Print the step."""
        took = "" if seconds is None else f" ({duration(seconds)})"
        self._print(f"{name:<{_NAME_WIDTH}} {made}{took}")

    def note(self, text: str) -> None:
        """Print the text."""
        self._print(text)

    def close(self) -> None:
        """Forget what is going on."""
        self._now = ""

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class RichProgress:
    """Lines with a tick, and a spinner for the present."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def doing(self, text: str) -> None:
        """Turn the spinner beside the text."""
        from rich.text import Text

        if self._status is None:
            self._status = self._console.status(Text(text), spinner="dots")
            self._status.start()
        else:
            self._status.update(Text(text))

    def done(self, name: str, made: str, seconds: float | None = None) -> None:
        """Print the step under the earlier ones."""
        from rich.text import Text

        # Text and not markup: file names and reasons may hold brackets.
        line = Text.assemble(("✓ ", "green"), (f"{name:<{_NAME_WIDTH}} ", "bold"), made)
        if seconds is not None:
            line.append(f"  {duration(seconds)}", style="dim")
        self._console.print(line)

    def note(self, text: str) -> None:
        """Print the text."""
        from rich.text import Text

        self._console.print(Text(text))

    def close(self) -> None:
        """Stop the spinner."""
        if self._status is not None:
            self._status.stop()
            self._status = None


@contextmanager
def following(progress: Progress) -> Iterator[Progress]:
    """Take the spinner away however the block ends, so that an error line stands alone."""
    try:
        yield progress
    finally:
        progress.close()
