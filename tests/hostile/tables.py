"""Any table that a file may hold, as hypothesis strategies, and its spelling in each format."""

import csv
import datetime as dt
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from hypothesis import strategies as st

from tests.hostile.corpus import PACKERS
from tests.hostile.judge import File

SQL = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
    "string": "VARCHAR",
}
NAMES = ("größe", 'a "b"', "x y", "1", "-- drop", "Straße; plz", "select", "é" * 60)
_ZONES = st.integers(-60, 60).map(lambda quarters: dt.timezone(dt.timedelta(minutes=15 * quarters)))


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column: the cells are taken in turn by the rows."""

    name: str
    kind: str
    cells: list[Any]


class Valid(msgspec.Struct, frozen=True, kw_only=True):
    """A table, how it is written, and what must be read of it: canonical values in rows."""

    file: File
    types: dict[str, str]
    rows: list[tuple[Any, ...]]


def texts(encoding: str, *, plain: bool) -> st.SearchStrategy[str]:
    """Return texts with a letter at one end, so that no column of them is one of numbers or times.

    Where quotes are left to detection (*plain*) apostrophes would be as good a quote as any.
    """
    letters = st.characters(codec=encoding, exclude_characters="\0" + "'" * plain, exclude_categories=["Cs"])
    inner = st.text(letters, max_size=12)
    return st.one_of(inner.map(lambda text: f"s{text}"), inner.map(lambda text: f"{text}s"))


def cells(kind: str, encoding: str, *, plain: bool) -> st.SearchStrategy[Any]:
    """Return cells of one kind."""
    first, last = dt.date(1000, 1, 2), dt.date(2999, 12, 30)
    noon = dt.time(12)
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(-(10**18) + 1, 10**18 - 1),
        "number": st.floats(-1e38, 1e38, allow_nan=False),
        "boolean": st.booleans(),
        "date": st.dates(first, last),
        "datetime": st.datetimes(
            dt.datetime.combine(first, noon),
            dt.datetime.combine(last, noon),
            timezones=st.one_of(st.just(dt.UTC), _ZONES),
        ),
        "string": texts(encoding, plain=plain),
    }
    return strategies[kind]


@st.composite
def columns(draw: Any, encoding: str, *, plain: bool) -> list[Column]:
    """Draw up to four columns of up to five cells each, the first of which is there."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    if encoding != "utf-8":
        names = [f"c{place}" for place, _ in enumerate(names)]
    drawn = []
    for name in names:
        kind = draw(st.sampled_from(list(SQL)))
        one = cells(kind, encoding, plain=plain)
        more = draw(st.lists(st.none() | one, max_size=4))
        drawn.append(Column(name=name, kind=kind, cells=[draw(one), *more]))
    return drawn


@st.composite
def valid(draw: Any, spellings: int) -> list[Valid]:
    """Draw a table and so many ways to write it: to draw a table takes longer than to judge a file of it."""
    plain = draw(st.booleans())
    codec = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "cp1252"]))
    found = draw(columns(codec, plain=plain))
    count = draw(st.integers(20, 40))
    late = Column(name="late", kind="boolean", cells=[True, False, False])
    whole = [Column(name="id", kind="integer", cells=list(range(count))), *found, late]
    rows = [tuple(column.cells[i % len(column.cells)] for column in whole) for i in range(count)]
    return [draw(_spelled(whole, rows, codec, plain=plain)) for _ in range(spellings)]


@st.composite
def _spelled(
    draw: Any, whole: list[Column], rows: list[tuple[Any, ...]], codec: str, *, plain: bool
) -> Valid:
    """Draw a way to write a table; with *plain* texts the quote of delimited text may be left to detection."""
    ending = draw(st.sampled_from(["csv", "csv", "tsv", "jsonl", "parquet"]))
    packing = draw(st.sampled_from(["", "", "gz", "zst"])) if ending != "parquet" else ""
    delimited = ending in {"csv", "tsv"}
    encodings = ["cp1252"] if codec == "cp1252" else ["utf-8", "utf-8-sig", "utf-16"]
    encoding = draw(st.sampled_from(encodings)) if delimited else "utf-8"
    data: dict[str, Any] = {"key": "id", "max_bad": "0%"}
    if delimited:
        body = draw(_delimited(whole, rows, ending)).encode(encoding)
        data |= {} if plain else {"quote": '"'}
        data |= {"encoding": "cp1252"} if encoding == "cp1252" else {}
    else:
        body = draw(_json_lines(whole, rows)) if ending == "jsonl" else _parquet(whole, rows)
    name = f"a.{ending}" + (f".{packing}" if packing else "")
    return Valid(
        file=File(name=name, body=PACKERS[packing](body), definition={"data": data, "split": {"by": "hash"}}),
        types={column.name: column.kind for column in whole},
        rows=[tuple(canonical(cell, breaks=delimited) for cell in row) for row in rows],
    )


def canonical(cell: Any, *, breaks: bool) -> Any:
    """Return *cell* as the dataset has it: blanks trimmed, instants in UTC, line breaks of delimited text as LF."""
    if isinstance(cell, str):
        text = cell.replace("\r\n", "\n").replace("\r", "\n") if breaks else cell
        return text.strip(" ")
    return cell.astimezone(dt.UTC).replace(tzinfo=None) if isinstance(cell, dt.datetime) else cell


@st.composite
def _delimited(draw: Any, whole: list[Column], rows: list[tuple[Any, ...]], ending: str) -> str:
    out = io.StringIO()
    separator = draw(st.sampled_from("T "))
    texts = [[_text(cell, separator) for cell in row] for row in rows]
    # Python before 3.13 quotes its own line break only: any other would end a row for whoever reads it.
    breaks = any(sign in cell for row in texts for cell in row for sign in "\r\n")
    writer = csv.writer(
        out,
        delimiter="\t" if ending == "tsv" else draw(st.sampled_from(",;|\t")),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        quoting=csv.QUOTE_ALL if breaks else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    writer.writerow([column.name for column in whole])
    writer.writerows(texts)
    return out.getvalue()


@st.composite
def _json_lines(draw: Any, whole: list[Column], rows: list[tuple[Any, ...]]) -> bytes:
    names, is_ascii, sparse = [column.name for column in whole], draw(st.booleans()), draw(st.booleans())
    objects = (dict(zip(names, map(_plain, row), strict=True)) for row in rows)
    lines = (
        json.dumps(
            {name: cell for name, cell in one.items() if cell is not None or not sparse},
            ensure_ascii=is_ascii,
        )
        for one in objects
    )
    return "".join(line + "\n" for line in lines).encode()


def _parquet(whole: list[Column], rows: list[tuple[Any, ...]]) -> bytes:
    quoted = ['"' + column.name.replace('"', '""') + '"' for column in whole]
    declared = ", ".join(f"{name} {SQL[c.kind]}" for name, c in zip(quoted, whole, strict=True))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "rows.parquet"
        connection.execute(f"SET TimeZone = 'UTC'; CREATE TABLE rows ({declared})")
        holes = ", ".join("?" for _ in whole)
        connection.execute(
            f"INSERT INTO rows VALUES {', '.join(f'({holes})' for _ in rows)}",
            [cell for row in rows for cell in row],
        )
        connection.execute(f"COPY rows TO '{path}'")
        return path.read_bytes()


def _text(cell: Any, separator: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell.isoformat(separator) if isinstance(cell, dt.datetime) else _isoformat(cell)


def _isoformat(cell: Any) -> str:
    return (
        cell.isoformat()
        if isinstance(cell, dt.date)
        else repr(cell)
        if isinstance(cell, float)
        else str(cell)
    )


def _plain(cell: Any) -> Any:
    return cell.isoformat() if isinstance(cell, dt.date) else cell
