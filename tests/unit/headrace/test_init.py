from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.client.definitions import load_definition, read_definition
from headrace.client.drafting import pipeline_name
from headrace.client.sampling import infer_task, read_sample
from headrace.failures import BadData
from shared.entities.pipeline import PipelineDefinition
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

ROWS = "".join(f"{n},{n % 2 == 0},2026-01-{1 + n % 28:02d}T00:00:00Z,{n * 1.5}\n" for n in range(60))
TABLE = f"n,late,at,price\n{ROWS}"


def written(
    run: Run, tmp_path: Path, content: bytes, *args: str, name: str = "flights.csv"
) -> dict[str, Any]:
    (tmp_path / name).write_bytes(content)
    result = run(Nobody(), "init", str(tmp_path / name), *args)
    assert result.exit_code == 0, result.stderr
    definition = load_definition(tmp_path / "pipeline.yaml")
    # What init writes, the service accepts.
    msgspec.convert(definition, PipelineDefinition)
    return definition


def test_the_encoding_that_a_file_was_read_in_is_in_its_definition(run: Run, tmp_path: Path) -> None:
    table = TABLE.replace("price", "größe").encode("cp1252")
    definition = written(run, tmp_path, table, "--target", "late", "--encoding", "cp1252")
    assert definition["data"]["encoding"] == "cp1252"
    assert "größe" in (tmp_path / "schema.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["klingon", "hex"])
def test_what_is_no_encoding_of_text_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text(TABLE, encoding="utf-8")
    result = run(Nobody(), "init", str(tmp_path / "a.csv"), "--target", "late", "--encoding", name)
    assert result.exit_code == 2
    assert "is no encoding" in result.stderr


def test_init_writes_a_definition_that_the_service_accepts(run: Run, tmp_path: Path) -> None:
    definition = written(run, tmp_path, TABLE.encode(), "--target", "late")
    assert (definition["name"], definition["task"], definition["target"]) == (
        "flights",
        "classification",
        "late",
    )


@pytest.mark.parametrize(
    ("values", "options", "by"),
    [
        ("T00:00:00Z", "", "time"),
        (" 09:30", "", "time"),
        ("T00:00:00Z", "--key n", "hash"),
        ("T00:00:00Z", "--group price", "group(price)"),
        ("", "", "hash"),  # days alone: birthdays are days, too
    ],
)
def test_a_column_of_times_of_day_is_taken_for_the_time_of_a_row(
    run: Run, tmp_path: Path, values: str, options: str, by: str
) -> None:
    table = TABLE.replace("T00:00:00Z", values).encode()
    definition = written(run, tmp_path, table, "--target", "late", *options.split())
    assert definition["split"]["by"] == by
    assert definition["data"].get("time") == ("at" if by == "time" else None)


def test_of_two_times_the_one_that_every_row_has_is_taken(run: Run, tmp_path: Path) -> None:
    rows = "".join(
        f"{'2026-01-05T10:00:00Z' if n % 3 else ''},2026-01-02T10:{n:02d}:00Z,{n % 2}\n" for n in range(60)
    )
    definition = written(run, tmp_path, f"cancelled_at,at,late\n{rows}".encode(), "--target", "late")
    assert definition["data"]["time"] == "at"


def test_a_time_column_makes_the_split_one_by_time(run: Run, tmp_path: Path) -> None:
    definition = written(
        run, tmp_path, TABLE.encode(), "--target", "price", "--time", "at", "--name", "fares"
    )
    assert (definition["name"], definition["task"]) == ("fares", "regression")
    assert (definition["data"]["time"], definition["split"]["by"]) == ("at", "time")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_byte_order_mark_and_quoted_newlines_do_not_matter(
    tmp_path: Path, delimiter: str, mark: str
) -> None:
    file = tmp_path / "odd.csv"
    lines = ["late;note;x", 'yes;"two\nlines; and a ""quote""";1', "no;plain;2"]
    text = mark + "\r\n".join(line.replace(";", delimiter) for line in lines)
    file.write_bytes(text.encode())
    sample = read_sample(file)
    assert sample.header == ("late", "note", "x")
    assert sample.delimiter == delimiter
    assert sample.values("note") == [f'two\nlines{delimiter} and a "quote"', "plain"]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["true", "false"] * 9, "classification"),
        (["0", "1"] * 9, "classification"),
        (["0.0", "1.0"] * 9, "classification"),
        (["red", "green", "3"], "classification"),
        ([str(n % 5) for n in range(50)], "classification"),
        ([str(n) for n in range(50)], "regression"),
        (["0.5", "1", "2e3"], "regression"),
        (["-1", "7", "9"], "regression"),
    ],
)
def test_the_task_follows_from_what_the_target_holds(values: list[str], task: str) -> None:
    assert infer_task(values) == task


@pytest.mark.parametrize("target", ["on", "true", "a: b", "# x", "né", '"q"', "12"])
def test_any_column_name_survives_in_yaml(run: Run, tmp_path: Path, target: str) -> None:
    quoted = '"' + target.replace('"', '""') + '"'
    definition = written(run, tmp_path, f"x,{quoted}\n1,a\n2,b\n".encode(), "--target", target)
    assert definition["target"] == target


def test_an_existing_definition_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    written(run, tmp_path, TABLE.encode(), "--target", "late")
    (tmp_path / "pipeline.yaml").write_text("mine\n")
    result = run(Nobody(), "init", str(tmp_path / "flights.csv"), "--target", "late")
    assert result.exit_code == 1
    assert (tmp_path / "pipeline.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,late\n", "a header and no rows"),
        (b"a,a\n1,2\n", "names a column twice: 'a'"),
        (b"a,late\n\xff,1\n", "is not UTF-8: byte 7"),
        (b"\x1f\x8bzip", "broken gzip"),
        (b"PK\x05\x06\0\0", "not text"),
        (b"a,Late\n1,2\n2,3\n", "no column 'late'; did you mean 'Late'?"),
        (b"a,late\n1,x\n2,x\n", "less than two different values"),
        (b"a,late\n1,\n2,NA\n", "less than two different values"),
    ],
)
def test_a_file_that_cannot_be_learnt_from_ends_with_6_and_says_why(
    run: Run, tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    result = run(Nobody(), "init", str(tmp_path / "bad.csv"), "--target", "late")
    assert result.exit_code == 6
    assert told in result.stderr
    assert not (tmp_path / "pipeline.yaml").exists()


def test_a_column_without_times_is_refused_as_time(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(TABLE)
    result = run(Nobody(), "init", str(tmp_path / "f.csv"), "--target", "late", "--time", "n")
    assert result.exit_code == 6
    assert "such columns are: at" in result.stderr


def test_a_sample_may_end_within_a_character_or_a_quoted_cell(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(b"a,b\n" + "é,1\n".encode() * 300_000)
    assert set(read_sample(file).values("a")) == {"é"}


@pytest.mark.parametrize(
    ("path", "name"),
    [("Flights 2013.csv", "flights"), ("flights/2013-01.csv", "flights"), ("a/1.csv", "my-pipeline")],
)
def test_the_pipeline_is_named_after_the_file_or_its_folder(path: str, name: str) -> None:
    assert pipeline_name(Path("/") / path) == name


def test_the_key_on_is_a_key_and_no_boolean(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("name: flights\nretrain: {on: [new_data]}\nrelease: {approval: yes}\nsplit: {x: true}\n")
    assert read_definition(file)["retrain"] == {"on": ["new_data"]}
    assert read_definition(file)["split"] == {"x": True}


@pytest.mark.parametrize(
    ("text", "told"), [("a: [", "line 1, column 5"), ("- x", "must hold keys"), ("task: x", "has no `name`")]
)
def test_a_definition_that_is_none_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(BadData, match=told):
        read_definition(file)
