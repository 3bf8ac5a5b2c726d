import json
from pathlib import Path
from typing import Any

import pytest
from chalicelib.ingest.table_schema.declaring import parse_declared

from headrace.client.definitions import load_definition
from headrace.client.table_schema import CONSTRAINTS
from headrace.failures import BadData
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, Nobody

TABLE = "id,late,at,fare,payment,who\n" + "".join(
    f"{n},{n % 2 == 0},{1 + n % 28:02d}.01.2026,{'NA' if n % 7 == 0 else n * 1.5},none,p{n % 5}\n"
    for n in range(60)
)


def drafted(run: Run, folder: Path, *args: str) -> dict[str, Any]:
    (folder / "flights.csv").write_text(TABLE)
    result = run(Nobody(), "init", str(folder / "flights.csv"), "--target", "late", *args)
    assert result.exit_code == 0, result.stderr
    schema: dict[str, Any] = json.loads((folder / "schema.json").read_text())
    return schema


def test_init_writes_a_schema_with_the_type_of_each_column(run: Run, tmp_path: Path) -> None:
    fields = drafted(run, tmp_path)["fields"]
    assert [(field["name"], field["type"]) for field in fields] == [
        ("id", "integer"),
        ("late", "boolean"),
        ("at", "date"),
        ("fare", "number"),
        ("payment", "string"),
        ("who", "string"),
    ]
    assert fields[2]["format"] == "%d.%m.%Y"


def test_only_columns_that_play_a_part_are_constrained(run: Run, tmp_path: Path) -> None:
    schema = drafted(run, tmp_path, "--time", "at", "--key", "id")
    required = [field["name"] for field in schema["fields"] if "constraints" in field]
    assert required == ["id", "late", "at"]
    data = load_definition(tmp_path / "pipeline.yaml")["data"]
    assert (data["key"], data["time"]) == ("id", "at")


def test_a_group_decides_the_split(run: Run, tmp_path: Path) -> None:
    drafted(run, tmp_path, "--time", "at", "--group", "who")
    assert load_definition(tmp_path / "pipeline.yaml")["split"]["by"] == "group(who)"


def test_spellings_of_nothing_are_named_where_they_stand_for_a_number_only(run: Run, tmp_path: Path) -> None:
    schema = drafted(run, tmp_path)
    named = {field["name"]: field["missingValues"] for field in schema["fields"] if "missingValues" in field}
    assert named == {"fare": ["NA"]}
    assert schema["missingValues"] == [""]


def test_the_service_takes_the_drafted_schema_and_knows_the_same_rules(run: Run, tmp_path: Path) -> None:
    schema = parse_declared(drafted(run, tmp_path, "--time", "at", "--key", "id"))
    assert schema.types["fare"] == "number"
    assert schema.missing_texts("fare") == ("NA",)
    every = {
        "required": True,
        "unique": True,
        "enum": ["ab"],
        "pattern": "a.",
        "minLength": 1,
        "maxLength": 3,
    }
    parse_declared({"fields": [{"name": "a", "type": "string", "constraints": every}]})
    assert {*every, "minimum", "maximum"} == set(CONSTRAINTS)


def test_a_column_named_for_a_part_must_exist(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(TABLE)
    result = run(Nobody(), "init", str(tmp_path / "f.csv"), "--target", "late", "--key", "Id")
    assert result.exit_code == 6
    assert "did you mean 'id'?" in result.stderr
    assert not (tmp_path / "schema.json").exists()


def test_an_existing_schema_is_never_overwritten_and_nothing_is_written_beside_it(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "schema.json").write_text("mine")
    (tmp_path / "f.csv").write_text(TABLE)
    result = run(Nobody(), "init", str(tmp_path / "f.csv"), "--target", "late")
    assert result.exit_code == 1
    assert (tmp_path / "schema.json").read_text() == "mine"
    assert not (tmp_path / "pipeline.yaml").exists()


def test_dates_that_read_in_two_ways_are_pointed_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("at,late\n01/02/2026,a\n03/04/2026,b\n")
    result = run(Nobody(), "init", str(tmp_path / "f.csv"), "--target", "late")
    assert "'at' reads as %d/%m/%Y and as %m/%d/%Y" in result.stderr


def test_the_task_can_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("x,stars\n" + "".join(f"{n},{n % 5}\n" for n in range(50)))
    result = run(Nobody(), "init", str(tmp_path / "f.csv"), "--target", "stars", "--task", "regression")
    assert result.exit_code == 0
    assert load_definition(tmp_path / "pipeline.yaml")["task"] == "regression"


def test_apply_sends_the_schema_that_the_definition_names(run: Run, tmp_path: Path) -> None:
    schema = drafted(run, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    fake = FakeStage({"PUT /pipelines/flights": {"pipeline": "flights"}})
    result = run(fake, "apply", str(tmp_path / "pipeline.yaml"))
    assert result.exit_code == 0, result.stderr
    assert json.loads(fake.asked("PUT /pipelines/flights")[0])["data"]["schema"] == schema


GOOD = {"name": "a", "type": "integer"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"fields": [', "line 1, column 13"),
        ("[]", "must hold an object with `fields`"),
        ("{}", "`fields` must be a list of columns"),
        ('{"fields": []}', "`fields` must be a list of columns"),
        ('{"fields": [{"name": "a"}, {"type": "integer"}]}', "fields[1] has no `name`"),
        (
            '{"fields": [{"name": "a", "type": "int"}]}',
            "fields[0] ('a'): type 'int' is unknown; did you mean 'integer'?",
        ),
        ('{"fields": [{"name": "a", "type": "json"}]}', "there are: integer, number"),
        ('{"fields": [{"name": "a", "type": []}]}', "type [] is unknown"),
        ('{"fields": [{"name": "a", "constraints": {"min": 1}}]}', "constraint 'min' is unknown"),
        ('{"fields": [{"name": "a", "constraints": true}]}', "`constraints` must be an object"),
        ('{"fields": [{"name": "a"}, {"name": "a"}]}', "names a column twice: 'a'"),
        ('{"fields": [{"name": "a", "constraints": {"minimum": NaN}}]}', "NaN is not a JSON number"),
        ("[" * 100_000, "is no JSON"),
        ("\udcff", "is not UTF-8: byte 0"),
    ],
)
def test_a_file_that_is_no_schema_is_told_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "schema.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "p.yaml").write_text("name: flights\ndata: {schema: schema.json}\n")
    with pytest.raises(BadData) as caught:
        load_definition(tmp_path / "p.yaml")
    assert told in caught.value.message
    assert "schema.json" in caught.value.message


def test_a_schema_that_is_not_there_is_told_with_who_names_it(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: flights\ndata: {schema: missing.json}\n")
    with pytest.raises(BadData, match=r"p\.yaml: data\.schema names .*missing\.json"):
        load_definition(tmp_path / "p.yaml")


def test_a_schema_written_inside_the_definition_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: flights\ndata: {schema: {fields: [{name: a, type: string}]}}\n")
    assert load_definition(tmp_path / "p.yaml")["data"]["schema"]["fields"][0]["name"] == "a"


def test_what_stands_in_yaml_is_what_json_would_have(tmp_path: Path) -> None:
    texts = "[on, no, 2026-01-31, 10:30, 007, trueValues, falsely, 2026-01-31T10:00:00Z]"
    (tmp_path / "p.yaml").write_text(
        f"name: flights\ntexts: {texts}\nothers: [true, false, 12, -3, 1_000, 0.5, null]\ntrueValues: [on]\n"
    )
    found = load_definition(tmp_path / "p.yaml")
    assert found["texts"] == texts[1:-1].split(", ")
    assert (found["others"], found["trueValues"]) == ([True, False, 12, -3, 1000, 0.5, None], ["on"])


def test_yaml_that_nests_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: flights\na: " + "[" * 60_000)
    with pytest.raises(BadData, match="nests too deeply"):
        load_definition(tmp_path / "p.yaml")
