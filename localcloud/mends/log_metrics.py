"""CloudWatch Logs: metrics in the embedded format become metrics."""

from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from localcloud.cloudwatch import emf
from localcloud.cloudwatch.clock import CLOCK
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "log_metrics"


def mend(settings: Settings) -> None:
    """Read the metrics out of every line that any log gets.

    AWS: extracts them asynchronously from lines in the embedded metric format, whoever wrote the line (user guide,
    "Embedding metrics within logs").
    MiniStack 1.5.33: keeps the lines and knows no such format (tried).
    """
    del settings
    fan_out = require(MEND, cloudwatch_logs, "_fanout_to_subscription_filters")
    require(
        MEND, cloudwatch_logs, "_put_log_events", "_fanout_to_subscription_filters(group, stream, events)"
    )
    require(
        MEND,
        cloudwatch,
        "_store_datum",
        "namespace, name, dims, ts, unit, value, values, counts, stat_values",
    )

    @wraps(fan_out)
    def fan_out_and_extract(group: str, stream: str, events: list[dict[str, Any]]) -> None:
        for event in events:
            for datum in emf.read(event.get("message", "")):
                _store(datum)
        fan_out(group, stream, events)

    cloudwatch_logs._fanout_to_subscription_filters = fan_out_and_extract


def _store(datum: emf.Datum) -> None:
    at_s = CLOCK.shifted(datum.at_s)
    named = (datum.namespace, datum.name, datum.dimensions)
    cloudwatch._store_datum(*named, at_s, datum.unit, datum.value, None, None, None)
