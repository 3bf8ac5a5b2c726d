"""What the rows of an upload teach its schema: ranges, missing values, identifiers, decimal commas."""

import pytest

from shared.entities.dataset import DatasetState


def fields(world, row):
    return {field["name"]: field for field in world.manifest(row).schema["fields"]}


def table(count: int, start: int = 0, last: str = "5,25") -> bytes:
    lines = [
        f"{i};u{i};{i * 3};2026-01-{i % 28 + 1:02};{i % 9},{i % 5};{'' if i % 10 == 3 else i % 4};{i % 3 > 0}\n"
        for i in range(start, start + count)
    ]
    header = "row;user;minute;day;price;rooms;late\n"
    return (header + "".join(lines) + f"{start + count};last;1;2026-02-01;{last};3;true\n").encode()


@pytest.fixture
def first(world):
    return world.upload(table(300))


def test_ranges_and_missing_values_stand_in_the_schema(world, first):
    found = fields(world, first)
    assert found["day"]["observed"] == {"minimum": "2026-01-01", "maximum": "2026-02-01"}
    assert found["rooms"]["observed"] == {"minimum": 0, "maximum": 3, "missing": 30}
    assert found["price"]["observed"] == {"minimum": 0.0, "maximum": 8.4}
    assert found["user"]["observed"] == {}


def test_columns_of_different_names_or_numbers_of_rows_are_identifiers_and_measures_are_not(world, first):
    assert {name for name, field in fields(world, first).items() if field.get("identifier")} == {
        "row",
        "user",
    }


def test_decimal_commas_are_numbers_in_a_file_whose_cells_are_parted_by_semicolons(world, first):
    price = fields(world, first)["price"]
    assert (price["type"], price["decimalChar"]) == ("number", ",")
    later = world.upload(table(300, 500, last="7.5"), "later.csv")
    assert (later.state, later.rows_bad) == (DatasetState.READY, 1)
    assert world.rejects(later)[0]["column"] == "price"


def test_other_ranges_are_no_other_schema(world, first):
    later = world.upload(table(300, 9000), "later.csv")
    assert world.manifest(later).schema_sha256 == world.manifest(first).schema_sha256
    assert fields(world, later)["row"]["observed"] == {"minimum": 9000, "maximum": 9300}
