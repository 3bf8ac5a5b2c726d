"""Lambda: an execution environment that nothing is asked of ends."""

import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_idle"
IDLE_S = 600


def mend(settings: Settings) -> None:
    """End the last worker of a function, too, when it has been idle for ten minutes; its files go with it.

    AWS: keeps an environment "for some time in anticipation of another invocation" and ends it then; how long is not
    documented (developer guide, "Lambda execution environment lifecycle").
    MiniStack 1.5.33: keeps one worker of each function for ever: of a deployed stage some twenty of 25 to 49 MB, each with
    its own copy of the code unpacked (measured).
    """
    del settings
    reap = require(MEND, lambda_svc, "reap_idle_workers", "or (i == 0 and not snapstart_version)")
    require(MEND, lambda_svc, "_ensure_reaper_thread", "                    reap_idle_workers()")
    require(MEND, lambda_runtime, "kill_workers", "worker._discard_tmpdir()")
    require(MEND, lambda_runtime, "acquire_worker", "worker.last_used = time.time()")

    @wraps(reap)
    def reap_idle_workers(*arguments: Any) -> int:
        return int(reap(*arguments)) + end_idle(time.time())

    lambda_svc.reap_idle_workers = reap_idle_workers


def end_idle(now: float) -> int:
    """End what has been idle for too long; return how many."""
    ended = []
    with lambda_runtime._lock:
        for key, workers in list(lambda_runtime._workers.items()):
            kept = [one for one in workers if one.in_use or now - one.last_used < IDLE_S]
            ended += [one for one in workers if one not in kept]
            if kept:
                lambda_runtime._workers[key] = kept
            else:
                del lambda_runtime._workers[key]
    # It waits for them, and whoever starts a function needs the lock.
    lambda_runtime.kill_workers(ended)
    return len(ended)
