"""Which version answers a request."""

import hashlib

import msgspec

from shared.entities.serving import Release

# The golden ratio's fraction: its multiples fill [0, 1) more evenly than any others, however few there are.
_GOLDEN = 0.6180339887498949


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers a request (``role``: live, candidate or, by ``?version=``, pinned).

    ``instead`` answers where a candidate cannot; ``shadow`` gets a copy of what live answered.
    """

    version: str
    role: str = "live"
    instead: str | None = None
    shadow: str | None = None


class Spread:
    """Gives out numbers from [0, 1) that are as evenly spread as can be, one after the other.

    Of any 1,000 in a row a weight of 10 % gets 100 give or take 3, where chance would give 100 ± 19.
    """

    def __init__(self, start: float) -> None:
        self._next = start

    def draw(self) -> float:
        """Return the next number."""
        drawn = self._next
        self._next = (drawn + _GOLDEN) % 1.0
        return drawn


def choose(release: Release, routing_key: str | None, draw: float) -> Route | None:
    """Return the version that answers, None while nothing is live.

    Parameters
    ----------
    routing_key
        The same key gets the same version for as long as the candidate and its weight stay the same, and a
        rising weight never sends a key back.
    draw
        A number from [0, 1) for requests without a key, see :class:`Spread`.
    """
    if release.live is None:
        return None
    if release.candidate is None:
        return Route(version=release.live)
    if release.mode == "shadow":
        return Route(version=release.live, shadow=release.candidate)
    place = draw if routing_key is None else _place(release, routing_key)
    if release.mode == "canary" and place < release.weight:
        return Route(version=release.candidate, role="candidate", instead=release.live)
    return Route(version=release.live)


def nothing_live(pipeline: str, release: Release | None) -> str:
    """Return the sentence for who asks a pipeline that has nothing live."""
    if release is not None and release.outcome == "DELETED":
        return f"nothing is live: pipeline {pipeline!r} was deleted and defined again, and has released nothing since"
    return f"nothing is live yet: pipeline {pipeline!r} has not released a model version"


def _place(release: Release, routing_key: str) -> float:
    """Return a uniform number from [0, 1) that only pipeline, candidate and key decide."""
    text = f"{release.pipeline}/{release.candidate}/{routing_key}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64
