"""Adapter: what is counted of each version in every five minutes, in rows of the predictions table.

The rows are the sums of the log: they change in the same transactions as its rows, so each request and each label is
in them once. Counts are under the time of the prediction, also those of labels that came later.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from chalicelib.inference.counting import of_counts
from chalicelib.inference.tally import Tally

from shared.readers import all_rows
from shared.tables import Change, Table, Write

SLOT_S = 300
_SLOTS_A_DAY = 86_400 // SLOT_S
# One item takes 1,000 writes a second, a transaction counts double.
_SHARDS = 4
_SAMPLE = "sample_"
_SAMPLED = 16  # requests of a version that one item names: 64 in five minutes
_BETWEEN = "__"  # attributes are named with letters, digits and underscores

Counts = Mapping[str, int]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """Five minutes of a pipeline; ``day`` is a date, ``number`` the place among the day's slots."""

    pipeline: str
    day: str
    number: int


def slot_of(pipeline: str, at: str) -> Slot:
    """Return the slot of the moment *at*, the text of a time in UTC."""
    moment = msgspec.convert(at, datetime)
    return Slot(pipeline=pipeline, day=at[:10], number=(moment.hour * 3600 + moment.minute * 60) // SLOT_S)


class Windows:
    """Adds to and sums the counts of slots."""

    def __init__(self, table: Table, kept: timedelta) -> None:
        self._table = table
        self._kept = kept

    def adding(
        self,
        slot: Slot,
        by_version: Mapping[str, Counts],
        now: datetime,
        captured: Mapping[str, Sequence[str]] = {},
    ) -> Write:
        """Return the addition to a slot as a part of a transaction.

        ``captured`` are requests of versions whose records were kept: they take the places of those before in the sample.
        """
        added = {
            f"{version}{_BETWEEN}{name}": count
            for version, counts in by_version.items()
            for name, count in counts.items()
        }
        shard = random.randrange(_SHARDS)  # noqa: S311 - spreads load, hides nothing
        kept: dict[str, object] = {"expires_at_s": int((now + self._kept).timestamp())}
        for version, requests in captured.items():
            newest = requests[-_SAMPLED:]
            places = random.sample(range(_SAMPLED), len(newest))
            kept |= {
                f"{version}{_BETWEEN}{_SAMPLE}{place}": one for place, one in zip(places, newest, strict=True)
            }
        key = (_partition(slot.pipeline, slot.day), slot.number * _SHARDS + shard)
        return self._table.updating(key, Change(set=kept, add=added))  # type: ignore[arg-type]

    def tallies(self, pipeline: str, since: datetime, until: datetime) -> dict[str, Tally]:
        """Return by version what was counted in the slots from that of *since* to that of *until*."""
        found: dict[str, Tally] = {}
        for version, counts in self._counts(pipeline, since, until):
            found[version] = found.get(version, Tally()) + of_counts(counts)
        return found

    def sample(self, pipeline: str, version: str, since: datetime, until: datetime) -> list[str]:
        """Return some of the requests to *version* whose records were kept, the newest slots first."""
        found = [
            str(request_id)
            for of, counts in self._counts(pipeline, since, until)
            if of == version
            for name, request_id in counts.items()
            if name.startswith(_SAMPLE)
        ]
        return found[::-1]

    def _counts(
        self, pipeline: str, since: datetime, until: datetime
    ) -> Iterator[tuple[str, dict[str, object]]]:
        for day, first, last in _days(since, until):
            between = (first * _SHARDS, (last + 1) * _SHARDS - 1)
            for row in all_rows(self._table, _partition(pipeline, day), between=between):
                yield from _by_version(row).items()


def begin_of_slot(moment: datetime) -> datetime:
    """Return when the slot of *moment* began."""
    return datetime.fromtimestamp(moment.timestamp() // SLOT_S * SLOT_S, UTC)


def _partition(pipeline: str, day: str) -> str:
    # No request id has a "#": the log and its sums never meet.
    return f"window#{pipeline}#{day}"


def _days(since: datetime, until: datetime) -> list[tuple[str, int, int]]:
    """Return the days from *since* to *until*, each with its first and last slot."""
    first, last = (slot_of("", f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}") for at in (since, until))
    day = since.astimezone(UTC).date()
    days: list[tuple[str, int, int]] = []
    while (name := day.isoformat()) <= last.day:
        days.append(
            (
                name,
                first.number if name == first.day else 0,
                last.number if name == last.day else _SLOTS_A_DAY - 1,
            )
        )
        day += timedelta(days=1)
    return days


def _by_version(row: Mapping[str, object]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, count in row.items():
        version, between, what = name.partition(_BETWEEN)
        if between:
            found.setdefault(version, {})[what] = count
    return found
