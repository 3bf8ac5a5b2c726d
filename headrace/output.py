"""Data on stdout, as a table for people, JSON or CSV for programs."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from headrace.failures import Failure

Row = dict[str, Any]
# Wider cells push the columns after them off most terminals; JSON and CSV are never cut.
_CUT = 100
# What makes a spreadsheet calculate a cell, and run commands by it (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def write(data: Row | Sequence[Row], columns: tuple[str, ...], form: str) -> None:
    """Print one record or several.

    Parameters
    ----------
    data
        A dict is one record: a table of it has one line per field.
    columns
        The fields a table of several records shows; empty shows all. JSON always has every field.
    form
        One of `table`, `json`, `csv`.
    """
    if form == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif form == "csv":
        click.echo(_csv([data] if isinstance(data, dict) else data, columns), nl=False)
    elif isinstance(data, dict):
        click.echo(_lines([(name, _text(value)) for name, value in data.items() if value is not None]))
    else:
        click.echo(_table(data, columns or _fields(data)))


def stream(rows: Iterable[Row], columns: tuple[str, ...], form: str) -> None:
    """Print records as they come, however many; only a table, whose widths depend on all rows, collects them."""
    if form == "table":
        write(list(rows), columns, form)
    elif form == "csv":
        click.echo(_csv_lines([columns]), nl=False)
        for row in rows:
            click.echo(_csv_lines([[row.get(name) for name in columns]]), nl=False)
    else:
        before = "["
        for row in rows:
            click.echo(f"{before}\n  {json.dumps(row, ensure_ascii=False)}", nl=False)
            before = ","
        click.echo("[]" if before == "[" else "\n]")


def write_lines(lines: Sequence[str], form: str) -> None:
    """Print text that is no table; as JSON it is a list, as CSV there is none."""
    if form == "csv":
        raise Failure("text lines have no CSV form: use -o json or leave -o out")
    click.echo(json.dumps(lines, ensure_ascii=False) if form == "json" else "\n".join(lines))


def _fields(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row))


def _text(value: Any) -> str:
    """Return one cell; control characters of uploaded data never reach a terminal."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else " " for char in text)


def _lines(pairs: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in pairs)


def _table(rows: Sequence[Row], columns: tuple[str, ...]) -> str:
    """Return aligned columns; plain text on purpose, so that a pipe and a terminal see the same."""
    if not rows:
        return "(none)"
    cells = [[name.upper().replace("_", " ") for name in columns]]
    cells += [[_short(_text(row.get(name))) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_padded(line, widths) for line in cells)


def _padded(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _short(text: str) -> str:
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def _csv(rows: Sequence[Row], columns: tuple[str, ...]) -> str:
    names = _fields(rows) or columns
    return _csv_lines([names, *([row.get(name) for name in names] for row in rows)])


def _csv_lines(lines: Iterable[Sequence[Any]]) -> str:
    return "".join(map(_csv_line, lines))


def _csv_line(cells: Sequence[Any]) -> str:
    buffer = io.StringIO()
    # With this line end the writer also quotes a lone carriage return, at which some readers begin a new row.
    csv.writer(buffer, lineterminator="\r\n").writerow([_csv_cell(cell) for cell in cells])
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def _csv_cell(value: Any) -> Any:
    """Return a cell; text that a spreadsheet would calculate gets an apostrophe, numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value
