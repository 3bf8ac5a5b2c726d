"""The way of one release, told as it happens: endpoint, golden rows, its trial, and how it ended."""

import msgspec

from headrace.client.api import Json
from headrace.client.following import Watch
from headrace.client.telling import reason, seconds_between
from headrace.failures import Failure


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the release ended: what is live since, and what was before."""

    outcome: str
    pipeline: str
    live: str | None = None
    previous: str | None = None
    reason: str | None = None


def follow_release(watch: Watch, release: Json) -> Ending:
    """Follow the release that *release* began to its end.

    Raises
    ------
    Failure
        It ended without the version that was wanted, or the time is over.
    """
    pipeline, wanted = release["pipeline"], release.get("candidate") or release.get("live")
    told = 0

    def look() -> Json | None:
        nonlocal told
        told = _tell_steps(watch, pipeline, release["gen"], told)
        row = watch.api.get("endpoints", pipeline)
        watch.progress.doing(stand(row))
        return row if row["gen"] != release["gen"] or row["candidate"] is None else None

    row = watch.until(look, f"the release of {wanted}")
    _tell_steps(watch, pipeline, release["gen"], told)
    live = row.get("live")
    if live != wanted:
        raise _ended_otherwise(wanted, row)
    took = seconds_between(release["updated_at"], row["live_since"]) if release.get("candidate") else None
    watch.progress.done("release", f"{live} is live", took)
    return Ending(
        outcome=row.get("outcome") or "LIVE",
        pipeline=pipeline,
        live=live,
        previous=row.get("previous"),
        reason=row.get("reason"),
    )


def _ended_otherwise(wanted: str | None, row: Json) -> Failure:
    ended = f"the release of {wanted} ended {row.get('outcome') or 'otherwise'}: {reason(row)}"
    return Failure(f"{ended}; live is {row.get('live') or 'nothing'}")


def stand(row: Json) -> str:
    """Return where a release stands, in a line."""
    if not row.get("candidate"):
        return f"release: {row.get('phase')}"
    share = f" at {row['weight']:.0%}" if row.get("mode") == "canary" else ""
    return f"release {row['candidate']}: {row['phase']}{share}"


def _tell_steps(watch: Watch, pipeline: str, gen: int, told: int) -> int:
    """Tell the steps of a generation that were not told yet; return how many there are."""
    entries = watch.api.get("endpoints", pipeline, "history").get("entries", [])
    steps = [entry for entry in entries if entry["gen"] == gen and entry["outcome"] in {"SHADOW", "CANARY"}]
    for entry in steps[::-1][told:]:
        share = f" at {entry['weight']:.0%}" if entry["outcome"] == "CANARY" else ""
        watch.progress.done(entry["outcome"].lower(), f"{entry['candidate']}{share}: {entry['why']}")
    return max(told, len(steps))
