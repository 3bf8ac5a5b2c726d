"""MetricDefinitions: numbers found in a job's log lines by the caller's regular expressions."""

import math
import threading
from collections.abc import Iterable
from typing import Any

import regex

from localcloud.sagemaker import errors


class MetricWatcher:
    """Remembers, per metric, the last number its expression captured (AWS's FinalMetricDataList)."""

    def __init__(self, definitions: Iterable[dict[str, str]]) -> None:
        self._expressions = [(item["Name"], regex.compile(item["Regex"])) for item in definitions]
        self._last: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def watch(self, line: str, at: float) -> None:
        """Look for every metric in one line; `at` is its time in epoch seconds."""
        for name, expression in self._expressions:
            value = _first_number(expression, line)
            if value is not None:
                with self._lock:
                    self._last[name] = {"MetricName": name, "Value": value, "Timestamp": at}

    def final(self) -> list[dict[str, Any]]:
        """Return the metrics in FinalMetricDataList's shape, in the order they were first seen."""
        with self._lock:
            return [dict(item) for item in self._last.values()]


def check_definitions(definitions: Iterable[dict[str, str]]) -> None:
    """Refuse expressions that cannot be compiled while the request can still be corrected."""
    for item in definitions:
        try:
            regex.compile(item["Regex"])
        except regex.error as error:
            raise errors.validation(
                f"Invalid regular expression {item['Regex']!r} for metric {item['Name']}: {error}"
            ) from error


def _first_number(expression: Any, line: str) -> float | None:
    try:
        # A user's expression may backtrack for ever, and it runs on every line of the log.
        match = expression.search(line, timeout=1)
    except TimeoutError:
        return None
    if match is None:
        return None
    text = match.group(1) if expression.groups else match.group(0)
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    # CloudWatch takes no NaN or infinity, so AWS's metric list never holds one.
    return value if math.isfinite(value) else None
