"""Bring delimited text to line feeds without blank lines, and stop what no reader could take."""

import re
from collections.abc import Iterable, Iterator

from chalicelib.ingest.reasons import rejection

# A row of more is set apart by DuckDB; its buffers hold two such rows, so a line twice as long must not reach it.
MAX_LINE_BYTES = 1_000_000
_STOP_BYTES = 2 * MAX_LINE_BYTES
_OVER = f"has more than {_STOP_BYTES:,} bytes"
_NEAR_BYTES = 1 << 14
_BLANK_LINES = re.compile(rb"\n\n+")
_PIECE_BYTES = 1 << 20


class Lines:
    """Cleans a stream chunk by chunk; quoted text keeps its blank lines. ``quote`` and ``delimiter`` are UTF-8.

    ``count`` is the number of lines given out so far, ``in_quotes`` whether the last of them left a quote open; it
    only counts quotes, so that one within an unquoted value turns it. ``signs`` are the quotes, delimiters and line feeds
    of what was given out last, and nothing else of it: a tenth of the bytes to look for them.
    """

    def __init__(self, quote: bytes, delimiter: bytes) -> None:
        self._quote = quote
        # Bytes of a longer sign may be parts of letters too: then every byte is kept.
        is_plain = len(quote) == len(delimiter) == 1
        self._others = bytes(set(range(256)) - {*quote, *delimiter, *b"\n"}) if is_plain else b""
        self.signs = b""
        self._held = b""
        self.in_quotes = False
        self.count = 0
        self._begun = False
        self._guard = _Guard(quote, delimiter)

    def clean(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield *chunks* cleaned, the last line ended.

        Raises
        ------
        InvalidDataset
            ``line_too_long`` or ``unterminated_quote``, before more than two megabytes of it are passed on.
        """
        for chunk in chunks:
            # An inflated or decoded chunk may be large; the guard looks at its pieces.
            for at in range(0, len(chunk), _PIECE_BYTES):
                cleaned = self._feed(chunk[at : at + _PIECE_BYTES])
                count = self.signs.count(b"\n")
                self._guard.check(cleaned, count, is_odd=self.in_quotes)
                self.count += count
                yield cleaned
        if self._begun:
            yield b"\n"

    def _feed(self, chunk: bytes) -> bytes:
        """Return what of *chunk* is certain; line breaks at its end wait for what follows."""
        # A chunk may end between \r and \n, or within a run of blank lines: its end waits for the next.
        data = self._held + chunk
        body = data.rstrip(b"\r\n")
        breaks = data[len(body) :]
        if not self._begun:
            body = body.lstrip(b"\r\n")
        self._begun = self._begun or bool(body)
        cleaned = self._clean(body)
        self._held = self._shorten(breaks)
        return cleaned

    def _shorten(self, breaks: bytes) -> bytes:
        """Keep a run of line breaks short: a file may be nothing else."""
        if len(breaks) > 4 and not self.in_quotes:
            return b"\n\r" if breaks.endswith(b"\r") else b"\n"
        return breaks

    def _clean(self, body: bytes) -> bytes:
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self.signs = body.translate(None, self._others)
        # A line without quote and delimiter looks blank among the signs.
        if b"\n\n" not in self.signs or b"\n\n" not in body:
            self._follow_quotes(self.signs)
            return body
        pieces: list[bytes] = []
        at = 0
        for match in _BLANK_LINES.finditer(body):
            self._follow_quotes(body[at : match.start()])
            pieces += [body[at : match.start()], match[0] if self.in_quotes else b"\n"]
            at = match.end()
        self._follow_quotes(body[at:])
        cleaned = b"".join([*pieces, body[at:]])
        self.signs = cleaned.translate(None, self._others)
        return cleaned

    def _follow_quotes(self, text: bytes) -> None:
        # A doubled quote inside quotes turns this twice, which is right.
        if text.count(self._quote) % 2:
            self.in_quotes = not self.in_quotes


class _Guard:
    """Measures lines, and stretches without a quote after one that has opened a value."""

    def __init__(self, quote: bytes, delimiter: bytes) -> None:
        self._quote = quote
        self._delimiter = delimiter
        self._opening = _opening_value(quote, delimiter)
        self._line = b""  # the beginning of the line that is not over
        self._line_bytes = 0
        self._opened_at: int | None = None  # the line (1, 2, …) whose last quote opened a value
        self._since_quote = 0
        self._lines = 1

    def check(self, data: bytes, lines: int, *, is_odd: bool) -> None:
        """Follow *data*, which ends *lines* lines; refuse a line, or a quoted value, that has no end in sight."""
        self._check_quotes(data, is_odd=is_odd)
        end = data.rfind(b"\n")
        first = len(data) if end < 0 else data.index(b"\n")
        if self._line_bytes + first > _STOP_BYTES:
            raise rejection("line_too_long", f"Line {self._lines} below the header {_OVER}.")
        self._lines += lines
        self._line_bytes = self._line_bytes + len(data) if end < 0 else len(data) - end - 1
        self._line = self._line + data if end < 0 else data[end + 1 :]

    def _check_quotes(self, data: bytes, *, is_odd: bool) -> None:
        # The last single quote decides, and mostly lies near the end; a pair of quotes never spans two lines.
        near = data.rfind(b"\n", 0, max(0, len(data) - _NEAR_BYTES)) + 1
        for at in (near, 0):
            # A doubled quote closes nothing; of equal length, so that places stay right. No text has NUL.
            single = data[at:].replace(self._quote * 2, b"\0\0")
            last = single.rfind(self._quote)
            if last >= 0:
                self._since_quote = len(single) - last
                opened_at = self._opens_a_value(single, last, is_first=at == 0, is_odd=is_odd)
                self._opened_at = None if opened_at is None else opened_at + data.count(b"\n", 0, at)
                break
        else:
            self._since_quote += len(data)
        if self._opened_at is not None and self._since_quote > MAX_LINE_BYTES:
            raise rejection(
                "unterminated_quote",
                f"Line {self._opened_at} below the header begins a value with a quote "
                f"({self._quote.decode()}) that does not close within {MAX_LINE_BYTES:,} bytes.",
            )

    def _opens_a_value(self, single: bytes, last: int, *, is_first: bool, is_odd: bool) -> int | None:
        """Return the line of the quote at *last* where it opens a value, read from the start of its line."""
        start = single.rfind(b"\n", 0, last) + 1
        begun = self._line if is_first and not start else b""
        line = begun + single[start : last + 1]
        # What goes on as text has opened a value; before a delimiter it may be the end of a value of several
        # lines. Only then the parity decides: quotes within unquoted values make it wrong.
        follows = single[last + 1 : last + 2]
        is_plain = follows not in {b"", b"\n", self._delimiter}
        if not (is_plain or is_odd) or not self._opening.fullmatch(line):
            return None
        return self._lines + single.count(b"\n", 0, last)


def _opening_value(quote: bytes, delimiter: bytes) -> re.Pattern[bytes]:
    """Return what matches a line up to a quote that begins a value; doubled quotes are two NULs in it."""
    q, d = re.escape(quote), re.escape(delimiter)
    quoted = rb"(?:\0\0)*%b[^%b]*+%b" % (q, q, q)
    plain = rb"(?:(?!%b|%b)[^\n])*+" % (q, d)
    return re.compile(rb"(?:(?:%b|%b)%b)*+(?:\0\0)*%b" % (quoted, plain, d, q))
