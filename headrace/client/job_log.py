"""A training job's log as it grows, from the API: lines after a cursor until the job has ended."""

from collections.abc import Callable, Iterator

from headrace.client.api import Api
from headrace.client.following import JOB_AT_REST

# CloudWatch shows lines seconds after they were printed: asking more often finds nothing sooner.
POLL_S = 2.0


def follow_log(api: Api, job_id: str, sleep: Callable[[float], None]) -> Iterator[str]:
    """Yield what the job prints, from its last lines now to its end; a new attempt is read from its start."""
    cursor: str | None = None
    while True:
        # Asked before the log: what was printed until then is in the answer that follows.
        is_over = api.get("training-jobs", job_id)["state"] in JOB_AT_REST
        while lines := (page := api.get("training-jobs", job_id, "log", cursor=cursor)).get("lines", []):
            yield from lines
            if not page.get("next"):
                break
            cursor = page["next"]
        if is_over:
            return
        sleep(POLL_S)
