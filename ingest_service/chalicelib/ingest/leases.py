"""Keep a claimed version claimed while its attempt works: short leases, renewed beside the work.

A killed attempt renews nothing, so that another may begin within minutes; one that hangs does until its function's
time is over. Too late a renewal harms nothing: every write of an attempt is conditional on being the newest one.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

LEASE = timedelta(seconds=90)
# Two renewals may fail before the lease runs out.
_EVERY_S = 30.0
_LONGEST_S = 900.0  # a Lambda function's time limit


@contextlib.contextmanager
def renewing(renew: Callable[[], bool], *, every_s: float = _EVERY_S) -> Iterator[None]:
    """Call *renew* every half a minute while the block runs, until it answers False."""
    done = threading.Event()

    def work() -> None:
        for _ in range(int(_LONGEST_S / _EVERY_S)):
            if done.wait(every_s) or not renew():
                return

    worker = threading.Thread(target=work, name="lease", daemon=True)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
