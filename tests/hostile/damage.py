"""Damage done to good files, from a seed, each with what must come of it.

``REJECTED``: what is left is no table by construction, whatever the dice said. ``QUARANTINED``: so many rows are bad
and the others are good. ``EITHER``: a flipped byte may hit what matters or what does not; it must end as one of both.
"""

import random
import struct
from typing import Protocol

import msgspec

from tests.hostile.corpus import PACKERS, Good, table
from tests.hostile.judge import File

TEXTS = ("csv", "tsv")
MAGICS = (
    b"\x89PNG\r\n\x1a\n",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"%PDF-1.7\n",
    b"\x7fELF\x01\0",
    b"\x28\xb5\x2f\xfd",
)


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A file and what must come of it; ``bad`` is the number of bad rows where it is to be quarantined.

    ``kind`` is the damage's own name, in words.
    """

    told: str
    file: File
    end: str
    bad: int = 0
    kind: str = ""


class Damage(Protocol):
    """Makes a damaged file by the dice it is given; its name says what it damages."""

    __name__: str

    def __call__(self, chance: random.Random, /) -> Damaged: ...


def damaged(seed: int, damages: tuple[Damage, ...]) -> Damaged:
    """Return the file of *seed*: each damage in turn, each time with other dice."""
    chance = random.Random(seed)
    damage = damages[seed % len(damages)]
    made = damage(chance)
    kind = damage.__name__.replace("_", " ")
    return msgspec.structs.replace(made, told=f"seed {seed}: {made.told}", kind=kind)


def _rejected(told: str, name: str, body: bytes) -> Damaged:
    return Damaged(told=f"{told}, {name}", file=File(name=name, body=body), end="REJECTED")


def nul(chance: random.Random) -> Damaged:
    """Put a NUL anywhere into text."""
    good = good_file(chance, *TEXTS)
    return _rejected("NUL", f"a.{good.ending}", _insert(chance, good.body, b"\0" * chance.randrange(1, 9)))


def mixed_encodings(chance: random.Random) -> Damaged:
    """Put bytes that are not UTF-8 among letters that are."""
    good = good_file(chance, *TEXTS, "jsonl")
    wrong = chance.choice([b"\xff", b"\xfe", b"\xc0\xaf", b"\xed\xa0\x80", "é\n".encode("latin-1")])
    return _rejected("mixed encodings", f"a.{good.ending}", _insert(chance, good.body, wrong))


def open_quote(chance: random.Random) -> Damaged:
    """Begin a value with a quote that nothing closes."""
    good = good_file(chance, *TEXTS)
    lines = good.body.splitlines(keepends=True)
    at = chance.randrange(1, len(lines))
    cells = lines[at].split(b"," if good.ending == "csv" else b"\t")
    place = chance.randrange(len(cells))
    cells[place] = b'"' + cells[place]
    lines[at] = (b"," if good.ending == "csv" else b"\t").join(cells)
    return _rejected("an open quote", f"a.{good.ending}", b"".join(lines))


def header(chance: random.Random) -> Damaged:
    """Spoil the names of the columns."""
    good = good_file(chance, *TEXTS)
    first, rest = good.body.split(b"\n", 1)
    spoilt = chance.choice(
        [
            first.replace(b"place", b"ID"),
            first.replace(b"place", b""),
            first.replace(b"place", b"\x1b[31m"),
            first.replace(b"place", b"p" * 200),
            first.replace(b"late", b"lately"),
            first.replace(b"distance", b'"distance'),
            b"",
        ]
    )
    body = spoilt + b"\n" + rest if spoilt else rest
    return _rejected(f"header {spoilt[:30]!r}", f"a.{good.ending}", body)


def too_many_columns(chance: random.Random) -> Damaged:
    """Name more columns than a table may have."""
    names = [f"c{i}" for i in range(chance.randrange(1001, 20_000))]
    return _rejected("columns", "a.csv", ",".join(names).encode() + b"\n" + b"1," * 1000 + b"\n")


def many_bad_rows(chance: random.Random) -> Damaged:
    """Spoil a third of the rows."""
    good = good_file(chance, *TEXTS, "jsonl")
    first, *lines = good.body.splitlines(keepends=True)
    spoil = b"1,2,3,4,5,6\t\t\t\t\n" if good.ending != "jsonl" else b'{"id":\n'
    body = first + b"".join(spoil if i % 3 == 1 else line for i, line in enumerate(lines))
    return _rejected("a third of the rows bad", f"a.{good.ending}", body)


def no_target(chance: random.Random) -> Damaged:
    """Leave the target out of a third of the rows, or of all."""
    good = good_file(chance, *TEXTS, "jsonl")
    lost = b"null" if good.ending == "jsonl" else b""
    first, *lines = good.body.splitlines(keepends=True)
    lines = [
        line.replace(b"true", lost).replace(b"false", lost) if i % 3 == 1 else line
        for i, line in enumerate(lines)
    ]
    return _rejected("no target", f"a.{good.ending}", b"".join([first, *lines]))


def nothing_left(chance: random.Random) -> Damaged:
    """Keep no row."""
    good = good_file(chance, *TEXTS)
    breaks = chance.choice([b"\n", b"\r", b"\r\n"]) * chance.randrange(1, 500)
    head = good.body.split(b"\n", 1)[0]
    return _rejected("no row", f"a.{good.ending}", chance.choice([b"", breaks, head, head + breaks]))


def disguised(chance: random.Random) -> Damaged:
    """Put another format's first bytes in front."""
    good = good_file(chance, *TEXTS, "jsonl")
    rest = chance.randbytes(200) + b"\0" + good.body
    return _rejected("disguised", f"a.{good.ending}", chance.choice(MAGICS) + rest)


def misnamed(chance: random.Random) -> Damaged:
    """Give a file the name of another format."""
    good = good_file(chance, "csv", "jsonl", "parquet")
    names = {
        "csv": ["a.parquet", "a.zip", "a.csv.gz", "a.csv.zst", "a.jsonl", "a.xlsx", "a", "a.csv.bz2"],
        "jsonl": ["a.parquet", "a.zip", "a.jsonl.gz", "a.jsonl.zst", "a.csv", "a.json5"],
        "parquet": ["a.csv", "a.tsv", "a.jsonl", "a.zip", "a.parquet.gz", "a.csv.gz"],
    }
    return _rejected("misnamed", chance.choice(names[good.ending]), good.body)


def spliced(chance: random.Random) -> Damaged:
    """Go on with a file of another kind in the middle of a text."""
    good = good_file(chance, *TEXTS)
    other = table(chance, "parquet").body if chance.random() < 0.5 else PACKERS["gz"](good.body) + b"\0"
    return _rejected(
        "spliced", f"a.{good.ending}", good.body[: chance.randrange(100, len(good.body))] + other
    )


def broken_compression(chance: random.Random) -> Damaged:
    """Cut, change or lengthen a compressed file, so that no decoder could return the rows."""
    good, kind = good_file(chance, *TEXTS, "jsonl"), chance.choice(["gz", "zst"])
    packed = PACKERS[kind](good.body)
    at = chance.randrange(1, len(packed))
    name, body = chance.choice(
        [
            ("cut", packed[:at]),
            ("longer", packed + chance.randbytes(40) + b"\1"),
            ("zeros inside", _overwritten(packed, len(packed) // 2, bytes(12))),
            ("noise inside", _overwritten(packed, len(packed) // 2, chance.randbytes(24))),
            ("twice", PACKERS[kind](packed)),
            ("misnamed", PACKERS["zst" if kind == "gz" else "gz"](good.body)),
            ("checksum", packed[:-4] + bytes(byte ^ 0xA5 for byte in packed[-4:])),
        ]
    )
    return _rejected(f"compression {name}", f"a.{good.ending}.{kind}", body)


def broken_parquet(chance: random.Random) -> Damaged:
    """Cut a Parquet file, or spoil its footer, so that it has none."""
    body = table(chance, "parquet").body
    (footer,) = struct.unpack("<I", body[-8:-4])
    start = len(body) - 8 - footer
    name, spoilt = chance.choice(
        [
            ("cut", body[: chance.randrange(4, len(body))]),
            ("front cut", b"PAR1" + body[chance.randrange(start // 2, start) :]),
            ("no end", body[:-4] + b"PARX"),
            (
                "footer's length",
                body[:-8] + struct.pack("<I", chance.choice([0, 1, 2**31, 2**32 - 1])) + b"PAR1",
            ),
            ("footer of zeros", body[:start] + bytes(footer) + body[-8:]),
            ("footer of noise", body[:start] + chance.randbytes(footer) + body[-8:]),
            ("encrypted", body[:-4] + b"PARE"),
            ("lists", b"PAR1" + b"\x19" * footer + struct.pack("<I", footer) + b"PAR1"),
        ]
    )
    return _rejected(f"Parquet {name}", "a.parquet", spoilt)


def broken_json(chance: random.Random) -> Damaged:
    """Write lines that are no objects of plain values."""
    good = good_file(chance, "jsonl")
    deep = b"[" * chance.randrange(2, 9000)
    body = chance.choice(
        [
            b"[" + good.body.replace(b"\n", b",\n") + b"]",
            good.body.replace(b'"late"', b'"lately"'),
            good.body.replace(b"}\n", b',"x":' + deep + b"}\n"),
            good.body.replace(b'"id": ', b'"id": {"of": ').replace(b"}\n", b"}}\n"),
            good.body.replace(b'"', b"'"),
            good.body.replace(b'"place"', b'"id"'),
            good.body.replace(b'"place"', b'"\\u0000"'),
            good.body.replace(b"{", b"", 1000),
            b"\n" * chance.randrange(1, 4000),
        ]
    )
    return _rejected("JSON", "a.jsonl", body)


def bad_key(chance: random.Random) -> Damaged:
    """Put a good file where none may be."""
    good = good_file(chance, *TEXTS)
    key = "incoming/trips/" + chance.choice(
        [
            "../a.csv",
            "a/../../b.csv",
            "deep/er.csv",
            "a\n.csv",
            "\x1b[2J.csv",
            "a\u2028b.csv",
            "..",
            "x" * 1020 + ".csv",
            "a\x7f.csv",
            "./a.csv",
            "a.exe",
        ]
    )
    file = File(name="a.csv", body=good.body, key=key)
    return Damaged(told=f"key {key[:40]!r}", file=file, end="REJECTED")


def good_file(chance: random.Random, *endings: str) -> Good:
    return table(chance, chance.choice(endings))


def _insert(chance: random.Random, body: bytes, what: bytes) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + what + body[at:]


def _overwritten(body: bytes, at: int, what: bytes) -> bytes:
    return body[:at] + what + body[at + len(what) :]


FATAL: tuple[Damage, ...] = (
    nul,
    mixed_encodings,
    open_quote,
    header,
    too_many_columns,
    many_bad_rows,
    no_target,
    nothing_left,
    disguised,
    misnamed,
    spliced,
    broken_compression,
    broken_parquet,
    broken_json,
    bad_key,
)
