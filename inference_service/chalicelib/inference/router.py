"""Which endpoint answers now: the release row read at most every two seconds, models remembered for good."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from chalicelib.inference.routing import Spread
from chalicelib.inference.states import CurrentRelease
from chalicelib.inference.validation import Validator

from shared.entities.training import ModelVersion

KEEP_S = 2.0  # how stale the router may be: the bound on how soon a rollback takes effect everywhere
MAX_ENTRIES = 512
# What was not asked for this long may have been stopped meanwhile: connections, workers, serverless containers.
COLD_AFTER_S = 300.0

Read = Callable[[str], CurrentRelease | None]
Find = Callable[[str, str], ModelVersion]


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to answer with one model version; none of it ever changes."""

    pipeline: str
    version: str
    job_id: str
    dataset_versions: tuple[str, ...]
    signature: Mapping[str, Any]
    validator: Validator


class Router:
    """Remembers rows between the requests of one warm function.

    ``monotonic`` is the clock; it must not jump, as wall clocks do. ``begin`` gives where in [0, 1) the draws begin.
    """

    def __init__(
        self,
        read: Read,
        find: Find,
        monotonic: Callable[[], float],
        begin: Callable[[], float] = random.random,
    ) -> None:
        self._read = read
        self._find = find
        self._monotonic = monotonic
        self._begin = begin
        self._releases: dict[str, tuple[float, CurrentRelease | None]] = {}
        self._served: dict[tuple[str, str], Served] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._spreads: dict[str, Spread] = {}

    def release(self, pipeline: str) -> CurrentRelease | None:
        """Return the release row as it was at most two seconds ago."""
        now = self._monotonic()
        known = self._releases.get(pipeline)
        # That nothing is live is remembered too, or a wrong name would cost a read per request.
        if known is not None and now - known[0] <= KEEP_S:
            return known[1]
        release = self._read(pipeline)
        _remember(self._releases, pipeline, (now, release))
        return release

    def forget(self, pipeline: str) -> None:
        """Read the release row of *pipeline* again at the next request: what it said is not so."""
        self._releases.pop(pipeline, None)

    def draw(self, pipeline: str) -> float:
        """Return a number from [0, 1) for a request without a routing key."""
        spread = self._spreads.get(pipeline)
        if spread is None:
            # Each sandbox begins elsewhere, so that many short-lived ones do not all begin with the candidate.
            spread = Spread(self._begin())
            _remember(self._spreads, pipeline, spread)
        return spread.draw()

    def is_cold(self, pipeline: str, version: str) -> bool:
        """Say whether a request to *version* is the first of this sandbox, or of a long time; it is asked now."""
        now = self._monotonic()
        before = self._asked.get((pipeline, version))
        _remember(self._asked, (pipeline, version), now)
        return before is None or now - before > COLD_AFTER_S

    def served(self, pipeline: str, version: str) -> Served:
        """Return what answers as *version*; its validator is compiled at the first call."""
        known = self._served.get((pipeline, version))
        if known is None:
            known = _served(self._find(pipeline, version))
            _remember(self._served, (pipeline, version), known)
        return known


def _served(model: ModelVersion) -> Served:
    inputs: Mapping[str, Any] = model.inputs
    return Served(
        pipeline=model.pipeline,
        version=model.version,
        job_id=model.job_id,
        dataset_versions=model.dataset_versions,
        signature=inputs,
        validator=Validator(inputs),
    )


def _remember[K, V](known: dict[K, V], key: K, value: V) -> None:
    """Keep *value*; names come from callers, so the oldest entry gives way."""
    known.pop(key, None)
    if len(known) >= MAX_ENTRIES:
        del known[next(iter(known))]
    known[key] = value
