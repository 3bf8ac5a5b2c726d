"""Progress on stderr: what is going on now, and each step with what it made and how long it took."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichBar
    from rich.progress import TaskID
    from rich.status import Status

_NAME_WIDTH = 10


class Progress(Protocol):
    """Two implementations: Rich for a person at a terminal, plain lines for logs and pipes."""

    def doing(self, text: str) -> None:
        """Say what is going on now; the same text twice is said once."""
        ...

    def moving(self, name: str, moved_bytes: int, total_bytes: int) -> None:
        """Say how much of a file is on its way; called often, also from several threads."""
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


def several(count: int, kind: str) -> str:
    """Return a number of things in words: "1 key alias", "2 stacks in us-east-1", "3 batches"."""
    thing, where, place = kind.partition(" in ")
    ending = "" if count == 1 else "es" if thing.endswith(("s", "ch")) else "s"
    return f"{count} {thing}{ending}{where}{place}"


class PlainProgress:
    """One line per event, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._now = ""
        self._tenth = 0

    def doing(self, text: str) -> None:
        """Print the text when it is news."""
        # A log of the same line twice a second would hide the steps.
        if text != self._now:
            self._now = text
            self._print(f"... {text}")

    def moving(self, name: str, moved_bytes: int, total_bytes: int) -> None:
        """Print each tenth but the last, which the step's end tells."""
        tenth = moved_bytes * 10 // max(total_bytes, 1)
        if self._tenth < tenth < 10:
            self._print(f"... {name} {size(moved_bytes)} of {size(total_bytes)}")
        self._tenth = tenth

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
    """Lines with a tick, and a spinner or a bar for the present."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._bar: tuple[RichBar, TaskID] | None = None

    def doing(self, text: str) -> None:
        """Turn the spinner beside the text."""
        from rich.text import Text

        if self._status is None:
            # Rich draws one live thing at a time.
            self.close()
            self._status = self._console.status(Text(text), spinner="dots")
            self._status.start()
        else:
            self._status.update(Text(text))

    def moving(self, name: str, moved_bytes: int, total_bytes: int) -> None:
        """Draw a bar with size, speed and the time that is left."""
        if self._bar is None:
            self.close()
            self._bar = _start_bar(self._console, name, moved_bytes, total_bytes)
        bar, task = self._bar
        bar.update(task, completed=moved_bytes)

    def done(self, name: str, made: str, seconds: float | None = None) -> None:
        """Print the step under the earlier ones."""
        from rich.text import Text

        if self._bar is not None:
            self.close()

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
        """Stop the spinner and the bar."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None


def _start_bar(console: "Console", name: str, moved_bytes: int, total_bytes: int) -> "tuple[RichBar, TaskID]":
    from rich import progress

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    # What arrived in an earlier try counts as done, and not towards the speed.
    task = bar.add_task(name, total=total_bytes, completed=moved_bytes)
    bar.start()
    return bar, task


@contextmanager
def following(progress: Progress) -> Iterator[Progress]:
    """Take the spinner away however the block ends, so that an error line stands alone."""
    try:
        yield progress
    finally:
        progress.close()
