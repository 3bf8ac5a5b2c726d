import csv
import io
import json
from typing import Any

import pytest

from headrace.output import _csv_lines
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import URL, FakeStage

REJECTS = "GET /datasets/flights/d1/rejects"
DIFF = "GET /datasets/flights/diff"


def reject(row: int, value: str = "x") -> dict[str, Any]:
    return {"row": row, "column": "fare", "rule": "not a number", "value": value, "detail": f"row {row}"}


def pages(*sizes: int) -> list[dict[str, Any]]:
    numbers = iter(range(2, 10_000))
    return [
        {
            "rejects": [reject(next(numbers)) for _ in range(size)],
            "next": str(n) if n < len(sizes) - 1 else None,
        }
        for n, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-12.5", "-12.5"),
        ("+3e8", "+3e8"),
        ("-", "'-"),
        ("a=b", "a=b"),
        (-12.5, "-12.5"),
        (None, ""),
        (["=1"], '["=1"]'),
    ],
)
def test_no_csv_cell_is_a_formula_and_numbers_stay_numbers(value: Any, written: str) -> None:
    text = _csv_lines([["x", value]])
    assert next(csv.reader(io.StringIO(text, newline=""))) == ["x", written]


@pytest.mark.parametrize("arguments", [("rejects", "flights", "d1"), ("profile", "flights", "d1")])
def test_the_csv_of_every_command_is_escaped(run: Run, arguments: tuple[str, ...]) -> None:
    column = {"name": "=evil()", "type": "string", "count": 1, "missing": 0, "distinct": 1}
    fake = FakeStage(
        {
            REJECTS: {"rejects": [reject(2, "=evil()")], "next": None},
            "GET /datasets/flights/d1/profile": {"row_count": 1, "columns": [column]},
        }
    )
    result = run(fake, "datasets", *arguments, "-o", "csv")
    cells = [cell for line in csv.reader(io.StringIO(result.stdout)) for cell in line]
    assert "'=evil()" in cells
    assert "=evil()" not in cells


def test_rejects_stop_at_the_limit_and_say_that_there_are_more(run: Run) -> None:
    fake = FakeStage({REJECTS: pages(100, 100, 5)})
    result = run(fake, "datasets", "rejects", "flights", "d1", "--limit", "3", "-o", "json")
    assert [row["row"] for row in json.loads(result.stdout)] == [2, 3, 4]
    assert "there are more" in result.stderr
    assert len(fake.requests) == 1


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_all_rejects_come_page_after_page(run: Run, form: str) -> None:
    result = run(
        FakeStage({REJECTS: pages(100, 100, 5)}), "datasets", "rejects", "flights", "d1", "--all", "-o", form
    )
    assert result.exit_code == 0
    if form == "json":
        assert len(json.loads(result.stdout)) == 205
    else:
        assert len(result.stdout.splitlines()) == 206
    assert "more" not in result.stderr


def test_a_version_without_rejects_is_an_empty_list(run: Run) -> None:
    fake = FakeStage({REJECTS: pages(0)})
    assert json.loads(run(fake, "datasets", "rejects", "flights", "d1", "-o", "json").stdout) == []


def test_a_profile_shows_what_is_missing_the_range_and_the_most_frequent(run: Run) -> None:
    columns = [
        {
            "name": "fare",
            "type": "number",
            "count": 900,
            "missing": 100,
            "distinct": 40,
            "min": 1.5,
            "mean": 2.0,
        },
        {
            "name": "carrier",
            "type": "string",
            "count": 1000,
            "missing": 0,
            "distinct": 12345,
            "distinct_is_approximate": True,
            "top": [{"value": "UA", "count": 600}, {"value": "B6", "count": 399}],
        },
    ]
    answer = {"row_count": 1000, "columns": columns}
    fake = FakeStage({"GET /datasets/flights/d1/profile": answer})
    table = run(fake, "datasets", "profile", "flights", "d1").stdout
    assert "10.0%" in table
    assert "~12345" in table
    assert "UA 60.0%, B6 39.9%" in table
    assert json.loads(run(fake, "datasets", "profile", "flights", "d1", "-o", "json").stdout) == answer


# In the order of the service: what changed most first.
DIFFERENCE: dict[str, Any] = {
    "from": "d1",
    "to": "d2",
    "rows": {"from": 1000, "to": 1200},
    "columns": [
        {
            "name": "gone",
            "change": "removed",
            "type": ["string", None],
            "psi": None,
            "statistics": {"min": [1, None]},
        },
        {"name": "wider", "change": "retyped", "type": ["integer", "number"], "psi": None, "statistics": {}},
        {
            "name": "new",
            "change": "renamed",
            "renamed_from": "old",
            "type": ["string", "string"],
            "psi": 0.0,
            "statistics": {},
        },
        {
            "name": "wild",
            "change": "changed",
            "type": ["number", "number"],
            "psi": 0.9,
            "statistics": {"count": [1, 90], "missing": [0, 0], "max": [100, 101], "mean": [1.0, 9.0]},
        },
        {"name": "same", "change": "same", "type": ["string", "string"], "psi": 0.0, "statistics": {}},
    ],
}


def test_a_difference_shows_what_happened_to_each_column_and_what_moved_most(run: Run) -> None:
    fake = FakeStage({DIFF: DIFFERENCE})
    result = run(fake, "datasets", "diff", "flights", "d1", "d2")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["gone", "wider", "new", "wild", "same"]
    assert "integer → number" in lines[2]
    assert "min" not in lines[1]
    assert "renamed from old" in lines[3]
    assert lines[4].endswith("  mean 1 → 9, max 100 → 101")
    assert "1,000 → 1,200 good rows" in result.stderr
    assert "from=d1&to=d2" in fake.requests[0].url


def test_a_difference_as_json_and_csv_has_every_number(run: Run) -> None:
    fake = FakeStage({DIFF: DIFFERENCE})
    shown = json.loads(run(fake, "datasets", "diff", "flights", "d1", "d2", "-o", "json").stdout)
    assert shown == DIFFERENCE
    rows = csv.DictReader(
        io.StringIO(run(fake, "datasets", "diff", "flights", "d1", "d2", "-o", "csv").stdout)
    )
    wild = next(row for row in rows if row["name"] == "wild")
    assert (wild["mean_from"], wild["mean_to"], wild["type_to"]) == ("1.0", "9.0", "number")


def test_a_rejected_version_is_shown_with_the_address_of_its_reasons_page(run: Run) -> None:
    row = {"alias": "d1", "state": "REJECTED", "reason": "no_rows", "reason_url": "/reasons/no_rows"}
    shown = run(FakeStage({"GET /datasets/flights/d1": row}), "datasets", "show", "flights", "d1").stdout
    assert f"{URL}/reasons/no_rows" in shown


def test_a_ready_version_is_shown_without_such_an_address(run: Run) -> None:
    row = {"alias": "d1", "state": "READY", "reason": None, "reason_url": None}
    shown = run(FakeStage({"GET /datasets/flights/d1": row}), "datasets", "show", "flights", "d1").stdout
    assert "reason" not in shown
