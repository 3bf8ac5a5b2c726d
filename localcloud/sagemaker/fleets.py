"""The processes behind endpoints: a fleet is every variant of one configuration, and traffic goes to one fleet or to two."""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from localcloud.sagemaker.endpoint_process import StartFailed, VariantProcess
from localcloud.sagemaker.store import Row

logger = logging.getLogger(__name__)


class Fleet:
    """The variants and shadows of one endpoint as one configuration has them; they start together or not at all."""

    def __init__(self, row: Row, make: Callable[[Row], VariantProcess]) -> None:
        self.row = row
        self._processes = {
            variant["VariantName"]: make(variant) for variant in [*self.variants, *self.shadows]
        }
        self.in_flight = 0

    @property
    def variants(self) -> list[Row]:
        """The production variants, with the weights they have now."""
        variants: list[Row] = self.row["_Variants"]
        return variants

    @property
    def shadows(self) -> list[Row]:
        """The variants that get copies of requests, and whose answers nobody gets."""
        return self.row.get("_Shadows") or []

    def process(self, variant: str) -> VariantProcess:
        """Return the web server of a variant."""
        return self._processes[variant]

    def start(self) -> str | None:
        """Start the variants one after another; return why one failed, with none left running then."""
        try:
            for process in self._processes.values():
                process.start()
        except StartFailed as error:
            reason = str(error)
        except Exception as error:
            logger.exception("endpoint variant")
            reason = f"We encountered an internal error. Please try again. ({error})"
        else:
            return None
        self.stop()
        return reason[:1024]

    def stop(self) -> None:
        """End every process."""
        for process in self._processes.values():
            process.stop()


class Fleets:
    """Which fleets serve which endpoint, by its ARN; whoever sends to one borrows it, so that none ends under a request."""

    def __init__(self) -> None:
        self._serving: dict[str, list[tuple[Fleet, float]]] = {}
        self._starting: dict[str, list[Fleet]] = {}
        self._changed = threading.Condition()
        self.is_closing = False

    def expect(self, arns: Iterable[str]) -> None:
        """Mark endpoints that will come back, so that invocations wait instead of failing."""
        self._starting.update((arn, []) for arn in arns)

    def start(self, arn: str, fleet: Fleet) -> str | None:
        """Start a fleet; it serves only once it is routed to. Return why it failed."""
        with self._changed:
            self._starting[arn] = [fleet]
        reason = fleet.start()
        # One that came up stays marked until it is routed to: whoever waits for it goes on waiting.
        if reason is not None:
            with self._changed:
                self._starting.pop(arn, None)
                self._changed.notify_all()
        return reason

    def route(self, arn: str, *shares: tuple[Fleet, float]) -> None:
        """Send the endpoint's requests to these fleets by their shares."""
        with self._changed:
            self._serving[arn] = list(shares)
            self._starting.pop(arn, None)
            self._changed.notify_all()

    def serving(self, arn: str) -> list[Fleet]:
        """Return the fleets that serve an endpoint now."""
        with self._changed:
            return [fleet for fleet, _ in self._serving.get(arn, [])]

    @contextlib.contextmanager
    def borrow(self, arn: str, timeout_s: float) -> Iterator[Fleet | None]:
        """Give the fleet for one request, None where none serves; after a restart wait until they are back."""
        with self._changed:
            self._changed.wait_for(lambda: arn in self._serving or arn not in self._starting, timeout_s)
            fleet = _draw(self._serving.get(arn, []))
            if fleet is not None:
                fleet.in_flight += 1
        try:
            yield fleet
        finally:
            with self._changed:
                if fleet is not None:
                    fleet.in_flight -= 1
                self._changed.notify_all()

    def retire(self, fleet: Fleet, timeout_s: float) -> None:
        """Stop a fleet that is not routed to any more, once the requests it has are answered."""
        with self._changed:
            self._changed.wait_for(lambda: fleet.in_flight == 0, timeout_s)
        fleet.stop()

    def remove(self, arn: str) -> None:
        """Stop whatever serves an endpoint."""
        # Out of the table first: no invocation finds a process that is about to end.
        with self._changed:
            shares = self._serving.pop(arn, [])
        for fleet, _ in shares:
            fleet.stop()

    def shut_down(self) -> None:
        """End every process."""
        with self._changed:
            self.is_closing = True
            fleets = [fleet for shares in self._serving.values() for fleet, _ in shares]
            fleets += [fleet for starting in self._starting.values() for fleet in starting]
        for fleet in fleets:
            fleet.stop()


def _draw(shares: Sequence[tuple[Fleet, float]]) -> Fleet | None:
    if not shares:
        return None
    fleets, weights = zip(*shares, strict=True)
    chosen: Fleet = random.choices(fleets, weights)[0]  # noqa: S311 - traffic, not secrets
    return chosen
