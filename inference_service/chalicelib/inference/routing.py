"""Which version answers a request."""

import hashlib

from shared.entities.serving import Release


def choose(release: Release, routing_key: str | None, draw: float) -> str | None:
    """Return the version that answers, None while nothing is live.

    Parameters
    ----------
    routing_key
        The same key gets the same version for as long as the candidate and its weight stay the same, and a
        rising weight never sends a key back.
    draw
        A uniform number from [0, 1) for requests without a key.
    """
    if release.mode != "canary" or release.candidate is None or release.weight <= 0:
        return release.live
    place = draw if routing_key is None else _place(release, routing_key)
    return release.candidate if place < release.weight else release.live


def _place(release: Release, routing_key: str) -> float:
    """Return a uniform number from [0, 1) that only pipeline, candidate and key decide."""
    text = f"{release.pipeline}/{release.candidate}/{routing_key}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64
