"""What happened, line by line: the same bytes for the same seed."""


class Trace:
    """Kept only where somebody will read it: a line costs as much as what it tells of."""

    def __init__(self, *, is_kept: bool) -> None:
        self.is_kept = is_kept
        self._lines: list[str] = []

    def note(self, now: float, who: str, what: str) -> None:
        """Add one line."""
        if self.is_kept:
            self._lines.append(f"{now:11.3f}  {who:<44} {what}")

    def text(self) -> bytes:
        """Return all lines."""
        return "\n".join(self._lines).encode()

    def about(self, *words: str) -> str:
        """Return the lines that have one of *words*: a thousand uploads are too much to read."""
        return "\n".join(line for line in self._lines if any(word in line for word in words))
