"""Which side a row belongs to: by time, by hash of the row or its key, by group.

A hash is arithmetic where one whole number decides, else 64 bits of MD5: any tool computes both alike. DuckDB's own
``hash()`` changes between its versions, and a row must stay on its side for ever.
"""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

import hashlib
import re
from collections.abc import Sequence

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Split, fraction

SIDES = ("train", "validation", "test")
BUCKETS = 10_000
# Between texts that are hashed together: "ab","c" must not equal "a","bc".
_UNIT = "\x1f"
# Mixes whole numbers of at most 18 digits; no product reaches 2^63, where DuckDB would refuse it.
_WHOLE = "-?(0|[1-9][0-9]{0,17})"
_PRIME = 2**31 - 1
_LOW, _HIGH, _LAST = 1_103_515_245, 1_664_525, 739_982_445


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The SQL condition of each side over the good rows."""

    conditions: dict[str, str]


def bucket_sql(texts: list[str], seed: int, whole: str | None = None) -> str:
    """Return SQL for a row's bucket, 0 to 9,999, from the SQL of its *texts*; must equal :func:`bucket`.

    *whole* is SQL for the number that the only text is, NULL where it is none of ours, if that is known already.
    """
    joined = f" || '{_UNIT}' || ".join([f"'{seed}'", *(f"coalesce({text}, '')" for text in texts)])
    # Unsigned on both sides: DuckDB would go over to integers of 128 bits.
    digest = f"(md5_number_lower({joined}) % {BUCKETS}::UBIGINT)::INTEGER"
    if len(texts) > 1:
        return digest
    if whole is not None:
        return f"(CASE WHEN {whole} IS NOT NULL THEN {_mixed_sql(whole, seed)} ELSE {digest} END)"
    is_whole = f"regexp_full_match({texts[0]}, '{_WHOLE}')"
    return (
        f"(CASE WHEN {is_whole} THEN {_mixed_sql(f'try_cast({texts[0]} AS BIGINT)', seed)} ELSE {digest} END)"
    )


def bucket(texts: list[str | None], seed: int) -> int:
    """Return the bucket of a row's *texts*.

    One text that is a whole number is mixed by arithmetic, at a tenth of the cost. Otherwise it is bytes 8 to 15 of
    MD5, little-endian, modulo 10,000.
    """
    if len(texts) == 1 and re.fullmatch(_WHOLE, texts[0] or "", re.ASCII):
        return _mixed(int(texts[0] or ""), seed)
    joined = _UNIT.join([str(seed), *(text or "" for text in texts)])
    digest = hashlib.md5(joined.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:16], "little") % BUCKETS


def _mixed_sql(number: str, seed: int) -> str:
    low, high = f"({number} & {_PRIME})", f"(({number} >> 31) & {_PRIME})"
    mixed = f"(({low} * {_LOW} + {high} * {_HIGH} + {seed}) % {_PRIME})"
    return f"(({mixed} * {mixed} % {_PRIME} * {_LAST} + {mixed}) % {_PRIME} % {BUCKETS})::INTEGER"


def _mixed(number: int, seed: int) -> int:
    """Return the bucket of a whole number: linear, so that near numbers part, then squared, so that no step stays."""
    mixed = ((number & _PRIME) * _LOW + (number >> 31 & _PRIME) * _HIGH + seed) % _PRIME
    return (mixed * mixed % _PRIME * _LAST + mixed) % _PRIME % BUCKETS


def sides_by_bucket(split: Split) -> Sides:
    """Return the sides of rows with a column ``bucket``."""
    test = round(fraction(split.test) * BUCKETS)
    validation = test + round(fraction(split.validation) * BUCKETS)
    return Sides(
        conditions={
            "train": f"bucket >= {validation}",
            "validation": f"bucket >= {test} AND bucket < {validation}",
            "test": f"bucket < {test}",
        }
    )


def sides_by_time(scratch: Scratch, rows: str, time: str, split: Split) -> Sides:
    """Return the sides of *rows* by the column *time*: the newest judge, those before them tune.

    A side begins at a time, so rows of equal time stay together.
    """
    (total,) = scratch.row(f"SELECT count(*) FROM {rows}")
    test = round(total * fraction(split.test))
    validation = round(total * fraction(split.validation))
    validation_from, test_from = _times_at(scratch, rows, time, (total - test - validation, total - test))
    return Sides(
        conditions={
            "train": f"{time} < {validation_from}",
            "validation": f"{time} >= {validation_from} AND {time} < {test_from}",
            "test": f"{time} >= {test_from}",
        }
    )


def check_sides(rows: dict[str, int]) -> None:
    """Demand rows to train on and to test on.

    Raises
    ------
    InvalidDataset
        ``too_few_rows``.
    """
    for side in ("train", "test"):
        if not rows.get(side):
            told = ", ".join(f"{count} {name}" for name, count in rows.items())
            raise rejection("too_few_rows", f"The split leaves no row to {side} on ({told} rows).")


def _times_at(scratch: Scratch, rows: str, time: str, places: Sequence[int]) -> list[str]:
    """Return, as SQL, the times of the rows at *places* (0 is the oldest); past the end, a time after all."""
    times = ", ".join(f"(min({time}) FILTER (up_to > {place}))::VARCHAR" for place in places)
    with scratch.sorting():
        found = scratch.row(
            f"""SELECT {times} FROM (
            SELECT {time}, sum(count(*)) OVER (ORDER BY {time}) AS up_to FROM {rows} GROUP BY {time})"""
        )
    return [f"TIMESTAMP '{at or 'infinity'}'" for at in found]
