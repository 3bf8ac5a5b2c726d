"""Adapter: the function's own log, into which the record of every request goes."""

import sys

from chalicelib.inference.log_lines import LogLine, spell


class LogRecorder:
    """Writes lines to standard output, where Lambda takes them: no call, nothing to wait for."""

    def write(self, line: LogLine) -> None:
        """Write *line*, flushed: Lambda freezes the process after the answer."""
        for text in spell(line):
            # One write each, so that no other thread's line can come between a line and its end.
            sys.stdout.write(text + "\n")
        sys.stdout.flush()
