"""Damage that may leave a dataset: rows that are set apart, and bytes that matter or do not."""

import random

from tests.hostile.corpus import PACKERS, PLACES, table
from tests.hostile.damage import TEXTS, Damage, Damaged, good_file
from tests.hostile.judge import File

# What no number is, and Python or DuckDB would take for one.
NO_NUMBERS = (
    "nan",
    "inf",
    "-Infinity",
    "1e999",
    "\uff11\uff12",
    "0x10",
    "1_000",
    "=1+1",
    "--1",
    "1e",
    "+-5",
    "\u0663",
)


def bad_rows(chance: random.Random) -> Damaged:
    """Spoil up to five of a hundred rows."""
    good = good_file(chance, "csv", "jsonl")
    count = chance.randrange(1, 1 + len(good.rows) // 25)

    first, *lines = good.body.splitlines(keepends=True)
    for at in sorted(chance.sample(range(len(lines) + 1), count), reverse=True):
        lines.insert(at, _bad_line(chance, good.ending))
    file = File(
        name=f"a.{good.ending}", body=b"".join([first, *lines]), definition={"data": {"max_bad": "10%"}}
    )
    return Damaged(told=f"{count} bad rows of {good.ending}", file=file, end="QUARANTINED", bad=count)


def flipped(chance: random.Random) -> Damaged:
    """Change a few bytes wherever they are."""
    ending = chance.choice([*TEXTS, "jsonl", "parquet", "csv.gz", "csv.zst", "jsonl.gz"])
    kind, _, packing = ending.partition(".")
    body = bytearray(PACKERS[packing](table(chance, kind).body))
    for _ in range(chance.choice([1, 1, 2, 8, 40])):
        body[chance.randrange(len(body))] = chance.randrange(256)
    file = File(name=f"a.{ending}", body=bytes(body), definition={"data": {"max_bad": "50%"}})
    return Damaged(told=f"flipped bytes of {ending}", file=file, end="EITHER")


def _bad_line(chance: random.Random, ending: str) -> bytes:
    place, wrong = chance.choice(PLACES), chance.choice(NO_NUMBERS)
    if ending == "jsonl":
        return chance.choice(
            [
                b"{\n",
                b"[1, 2]\n",
                b'"text"\n',
                b'{"id": 1, "distance": NaN, "late": true}\n',
                b'{"id": 1, "id": 2, "late": true}\n',
                b'{"id": [1], "late": true}\n',
                b'{"id": 1, "place": "\\ud800", "late": true}\n',
                f'{{"id": 1, "distance": "{wrong}", "late": true}}\n'.encode(),
                b'{"id": 1}\n',
            ]
        )
    return chance.choice(
        [
            f"1,{wrong},{place},true\n",
            f"{wrong},1.5,{place},true\n",
            f"1,1.5,{place}\n",
            f"1,1.5,{place},\n",
            f'1,1.5,"{place}"x,true\n',
            "x\n",
        ]
    ).encode()


PARTIAL: tuple[Damage, ...] = (bad_rows, flipped)
