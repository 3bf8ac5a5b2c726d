"""JSON log lines on stdout: one object a line, with the ids that tie a run together."""

import contextvars
import json
import logging
import sys
from typing import Any

_context: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("log_context", default={})  # noqa: B039
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: level, logger, message, ``extra`` and the bound context."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= _context.get()
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def bind(**ids: object) -> None:
    """Add *ids* (correlation_id, pipeline, job_id …) to every later line of this invocation."""
    _context.set(_context.get() | ids)


def start(**ids: object) -> None:
    """Begin an invocation with only *ids* bound; a warm Lambda keeps nothing of the last one."""
    _context.set(ids)


def logger(name: str) -> logging.Logger:
    """Return the logger of one service, writing JSON lines once whatever Lambda's runtime set up."""
    log = logging.getLogger(f"headrace.{name}")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        # Lambda's runtime has a handler on the root logger: every line would come twice.
        log.propagate = False
    return log
