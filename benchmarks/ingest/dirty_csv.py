"""Make a dirty CSV file and the exact list of its bad rows: the same bytes for the same seed and size.

`python -m benchmarks.ingest.dirty_csv FILE MEGABYTES` writes the file and beside it ``truth-of-FILE.jsonl``, a line per
bad row: its number as a spreadsheet shows it (the header is row 1), its ``id``, the first column that is wrong, the
rule, and the text that broke it. Two rows of a hundred are bad, in nine ways; commas, doubled quotes and line breaks
within quotes are not.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

SEED = 7
BAD_SHARE = 0.02
MEGABYTE = 1_000_000
HEADER = "id,ts,age,hours,income,capital,workclass,education,country,notes,label\n"
CELLS = HEADER.strip().split(",")
LABELS = ("<=50K", ">50K")
WORK = [
    "Private",
    "Self-emp-not-inc",
    "Local-gov",
    "State-gov",
    "Federal-gov",
    "Self-emp-inc",
    "Without-pay",
    "Never-worked",
]
EDUCATION = [
    "Bachelors",
    "HS-grad",
    "11th",
    "Masters",
    "9th",
    "Some-college",
    "Assoc-acdm",
    "Assoc-voc",
    "7th-8th",
    "Doctorate",
    "Prof-school",
    "5th-6th",
    "10th",
    "1st-4th",
    "Preschool",
    "12th",
]
COUNTRIES = [f"C{number:02}" for number in range(40)]
WORDS = [
    "alpha",
    "beta",
    "gamma",
    "lorem",
    "ipsum",
    "dolor",
    "machine",
    "learning",
    "customer",
    "returned",
    "order",
    "late",
    "shipment",
    "good",
    "bad",
]
_NOTES = 5_000
_BLOCK_ROWS = 20_000


class Dirt(NamedTuple):
    """What one way to spoil a row leaves behind; a malformed row has no column."""

    column: str | None
    rule: str
    value: str


def write(path: Path, megabytes: float, *, labels_known: bool = False) -> int:
    """Write about *megabytes* to *path* and the truth beside it; return the number of rows.

    With *labels_known* no label is a third one: the first file of a pipeline is what tells which there are.
    """
    spoilers = [spoil for spoil in _SPOILERS if spoil is not _UNKNOWN_LABEL or not labels_known]
    rng = random.Random(SEED)
    rows = _rows(rng, [_note(rng) for _ in range(_NOTES)])
    written = number = 0
    with path.open("w", encoding="ascii", newline="") as file, truth_of(path).open("w") as truth:
        file.write(HEADER)
        while written < megabytes * MEGABYTE:
            lines = []
            for _ in range(_BLOCK_ROWS if megabytes > 20 else 500):
                number += 1
                lines.append(_line(next(rows), rng, number, (spoilers, truth)))
            written += file.write("".join(lines))
    return number


def truth_of(path: Path) -> Path:
    """Return where the bad rows of the file at *path* are listed."""
    # Not behind the name: awswrangler takes a path for a prefix.
    return path.with_name(f"truth-of-{path.name}.jsonl")


def _rows(rng: random.Random, notes: list[str]) -> Iterator[list[str]]:
    number = 0
    while True:
        day, second = int(rng.random() * 700), int(rng.random() * 86_400)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        yield [
            str(number),
            f"{2024 + day // 365}-{day % 12 + 1:02}-{day % 28 + 1:02}T{hour:02}:{minute:02}:{second:02}",
            str(17 + int(rng.random() * 74)),
            f"{1 + rng.random() * 98:.1f}",
            "" if rng.random() < 0.05 else f"{rng.lognormvariate(10.5, 0.6):.2f}",
            f"{rng.gauss(0, 1500):.3f}",
            rng.choice(WORK),
            rng.choice(EDUCATION),
            rng.choice(COUNTRIES),
            rng.choice(notes),
            LABELS[rng.random() < 0.24],
        ]
        number += 1


def _note(rng: random.Random) -> str:
    text = " ".join(rng.choices(WORDS, k=rng.randint(3, 12)))
    shape = rng.random()
    if shape < 0.15:
        return f'"{text}, {rng.choice(WORDS)}"'
    if shape < 0.18:
        return f'"he said ""{text}"" twice"'
    if shape < 0.19:
        return f'"{text}\n{text}"'
    return "" if shape < 0.25 else text


def _line(
    cells: list[str], rng: random.Random, number: int, dirty: tuple[list[Callable[[list[str]], Dirt]], TextIO]
) -> str:
    if rng.random() >= BAD_SHARE:
        return ",".join(cells) + "\n"
    spoilers, truth = dirty
    row_id = cells[0]
    dirt = rng.choice(spoilers)(cells)
    line = ",".join(cells)
    # Of a row that cannot be cut, the line itself is the text to show; of all, the first 100 characters.
    found = dirt._replace(value=(dirt.value if dirt.column else line)[:100])
    truth.write(json.dumps({"row": number + 1, "id": row_id, **found._asdict()}) + "\n")
    return line + "\n"


def _cell(name: str, text: str, rule: str) -> Callable[[list[str]], Dirt]:
    place = CELLS.index(name)

    def spoil(cells: list[str]) -> Dirt:
        cells[place] = text
        return Dirt(name, rule, text)

    return spoil


def _short(cells: list[str]) -> Dirt:
    del cells[8:]
    return Dirt(None, "wrong number of cells", "")


def _long(cells: list[str]) -> Dirt:
    cells.append("extra")
    return Dirt(None, "wrong number of cells", "")


def _two_wrong(cells: list[str]) -> Dirt:
    cells[5] = "x1"
    return _cell("hours", "12 h", "not a number")(cells)


_UNKNOWN_LABEL = _cell("label", "maybe", "not a known label")
_SPOILERS = (
    _cell("age", "abc", "not an integer"),
    _cell("age", "9x", "not an integer"),
    _cell("ts", "not-a-date", "not a datetime"),
    _cell("ts", "2024-02-31T10:00:00", "not a datetime"),
    _cell("label", "", "target missing"),
    _UNKNOWN_LABEL,
    _two_wrong,
    _short,
    _long,
)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), float(sys.argv[2])), "rows")
