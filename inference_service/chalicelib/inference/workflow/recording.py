"""What is written down of a request that was answered, and of one that a version could not answer.

It goes into the function's log, from where a function of its own brings it into the table: the caller neither waits
for it nor learns that it failed.
"""

import contextlib
from typing import Any

from chalicelib.inference.attempts import Attempt
from chalicelib.inference.log_lines import Content, LogLine
from chalicelib.inference.workflow.context import Asked, Predicting

from shared import metrics
from shared.clock import to_text


def record(adapters: Predicting, asked: Asked, attempt: Attempt) -> None:
    """Write an answered request down."""
    fitted = attempt.fitted
    kept, hashes = adapters.inputs.finish(asked.pipeline, fitted.records)
    _write(
        adapters,
        asked,
        attempt,
        cold=attempt.cold,
        row_count=fitted.count,
        places=None if fitted.places is None else tuple(fitted.places),
        inputs=kept,
        content=Content(predictions=attempt.answers, hashes=hashes),
    )


def record_failure(adapters: Predicting, asked: Asked, attempt: Attempt) -> None:
    """Write down that a version failed a request, whoever answered it then."""
    _write(adapters, asked, attempt, outcome=attempt.outcome)


def _write(adapters: Predicting, asked: Asked, attempt: Attempt, **rest: Any) -> None:
    """Write what every line says, and *rest*."""
    line = LogLine(
        request_id=asked.request_id,
        pipeline=asked.pipeline,
        model_version=attempt.version,
        at=to_text(adapters.clock()),
        latency_ms=round(attempt.latency_ms, 3),
        **rest,
    )
    try:
        adapters.recorder.write(line)
    except (OSError, ValueError):
        # A log that is closed: a prediction that was made is answered all the same.
        adapters.log.exception("prediction not recorded")
        _tell_dropped(adapters)


def _tell_dropped(adapters: Predicting) -> None:
    """Count a line that was not written, where counting is still possible: it goes the same way."""
    with contextlib.suppress(OSError, ValueError):
        metrics.emit(
            {"LogDropped": (1, "Count")}, dimensions={"stage": adapters.stage, "service": "inference"}
        )
