"""Which endpoint answers now: the release row read at most every two seconds, models remembered for good."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from chalicelib.inference.validation import Validator

from shared.entities.serving import Release
from shared.entities.training import ModelVersion

KEEP_S = 2.0  # how stale the router may be: the bound on how soon a rollback takes effect everywhere
MAX_ENTRIES = 512

Read = Callable[[str], Release | None]
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

    ``monotonic`` is the clock; it must not jump, as wall clocks do.
    """

    def __init__(self, read: Read, find: Find, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._find = find
        self._monotonic = monotonic
        self._releases: dict[str, tuple[float, Release | None]] = {}
        self._served: dict[tuple[str, str], Served] = {}

    def release(self, pipeline: str) -> Release | None:
        """Return the release row as it was at most two seconds ago."""
        now = self._monotonic()
        known = self._releases.get(pipeline)
        # That nothing is live is remembered too, or a wrong name would cost a read per request.
        if known is not None and now - known[0] <= KEEP_S:
            return known[1]
        release = self._read(pipeline)
        _remember(self._releases, pipeline, (now, release))
        return release

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
