"""Serverless variants that nobody asks have no container: the next request starts it again, as on AWS.

AWS says neither how long a container stays nor how many do: "If your endpoint does not receive traffic for a while and then your
endpoint suddenly receives new requests, it can take some time for your endpoint to spin up the compute resources"
(https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html, "Cold starts").
"""

import threading
import time
from typing import Protocol


class Sleeper(Protocol):
    """A variant that may sleep."""

    @property
    def asked_at(self) -> float:
        """When it was last asked, by `time.monotonic`."""

    def sleep(self) -> bool:
        """End its container unless somebody waits for an answer; tell whether it sleeps now."""


class Serverless:
    """The serverless variants that have a container: so many at most, and none that nobody asked for so long."""

    def __init__(self, *, most: int, idle_s: float) -> None:
        self._most, self._idle_s = most, idle_s
        self._awake: list[Sleeper] = []
        self._changed = threading.Condition()
        self._is_closed = False
        threading.Thread(target=self._look_around, name="sagemaker-serverless", daemon=True).start()

    def woke(self, variant: Sleeper) -> None:
        """Count one more; where there are too many, the one that was asked longest ago goes to sleep."""
        with self._changed:
            self._awake.append(variant)
            self._changed.notify()
        self.rest(time.monotonic())

    def forget(self, variant: Sleeper) -> None:
        """Count one less: its endpoint ends, or its update did not come to anything."""
        with self._changed:
            if variant in self._awake:
                self._awake.remove(variant)

    def rest(self, now: float) -> None:
        """Send to sleep whoever is idle for too long, and who is one too many."""
        with self._changed:
            by_age = sorted(self._awake, key=lambda variant: variant.asked_at)
        for place, variant in enumerate(by_age):
            is_one_too_many = place < len(by_age) - self._most
            if (is_one_too_many or now - variant.asked_at >= self._idle_s) and variant.sleep():
                self.forget(variant)

    def close(self) -> None:
        """Send nobody to sleep any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _look_around(self) -> None:
        while not self._is_closed:
            with self._changed:
                # Nobody awake is nobody to look after.
                self._changed.wait(self._idle_s / 5 if self._awake else None)
            self.rest(time.monotonic())
