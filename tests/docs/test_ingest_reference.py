"""The references of formats and constraints say what the engine does: each rule is met by a file that breaks it."""

import io
import json
import re
import zipfile
import zlib
from typing import Any

import msgspec
import pytest
from chalicelib.ingest.formats.compression import ENDINGS
from chalicelib.ingest.formats.detect import EXTENSIONS
from chalicelib.ingest.profiling import model
from chalicelib.ingest.table_schema.model import Constraints
from PIL import Image

from docs.reason_examples import EXAMPLES
from docs.reason_pages import sentence_of
from shared.entities.dataset import DatasetManifest, DatasetState, RawObject, RowCounts, SplitRecord
from tests.clouds import ROOT
from tests.unit.ingest.world import World

REFERENCE = ROOT / "docs" / "reference"
FORMATS = (REFERENCE / "formats.md").read_text(encoding="utf-8")
SCHEMA = (REFERENCE / "schema.md").read_text(encoding="utf-8")
DATASETS = (REFERENCE / "datasets.md").read_text(encoding="utf-8")
# One of DuckDB's errors that we know no file for.
UNREACHED = {"not a readable line"}


def rules_told(title: str) -> set[str]:
    """Return the rules in the table of one section."""
    section = FORMATS.split(f"## {title}\n")[1].split("\n## ")[0]
    table = section.split("| rule |")[1].split("\n\n")[0]
    return {rule for line in table.splitlines()[2:] for rule in re.findall(r"`([^`]+)`", line.split("|")[1])}


def rules_met(body: bytes, name: str, **definition: Any) -> set[str]:
    """Return the rules that bad rows of a file broke, in a pipeline that allows any number of them."""
    world = World()
    world.define(**({"data": {"max_bad": "100%"}} | definition))
    row = world.upload(body, name)
    assert row.state is DatasetState.READY, row.detail
    return {reject["rule"] for reject in world.rejects(row)}


def test_the_rules_of_delimited_text_are_those_of_the_page():
    rows = "".join(f"{i},AA,{'yes' if i % 2 else 'no'}\n" for i in range(50))
    bad = f'1,2\n3,"AA"x,yes\n4,{"x" * 1_000_001},no\n'
    met = rules_met(f"id,carrier,late\n{rows}{bad}".encode(), "trips.csv")
    assert met == rules_told("Delimited text") - UNREACHED


def test_spaces_before_a_quote_are_passed_over(tmp_path):
    world = World()
    world.define()
    row = world.upload("\n".join(["id,name,late", *(f'{i}, "a",{i % 2}' for i in range(60)), ""]).encode())
    assert {name for _, name, _ in world.rows(row, "train", tmp_path)} == {"a"}
    assert "Spaces\nbefore a quote are passed over." in FORMATS


def test_the_rules_of_json_lines_are_those_of_the_page():
    rows = [json.dumps({"id": i, "late": i % 2 == 0}) for i in range(50)]
    # The columns are those of the first 8 MiB: what only comes behind them is unknown.
    padding = [json.dumps({"id": i, "late": True}) + " " * 900_000 for i in range(10)]
    bad = [
        "{",
        "[1]",
        '{"id": 1, "late": true, "x": 1}',
        '{"id": 1, "id": 2, "late": true}',
        '{"id": [1], "late": true}',
        '{"id": "\\u0000", "late": true}',
        '{"id": 1, "late": true}' + " " * 1_000_000,
    ]
    met = rules_met("\n".join([*rows, *padding, *bad]).encode(), "trips.jsonl")
    assert met == rules_told("JSON Lines")


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, kind)
    return buffer.getvalue()


def test_the_rules_of_pictures_are_those_of_the_page():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(60):
            archive.writestr(f"{'cat' if i % 2 else 'dog'}/{i}.png", picture(size=(8, 8 + i)))
        archive.writestr("loose.png", picture())
        archive.writestr("cat/large.png", picture() + bytes(range(256)) * 45_000)
        header = bytearray(picture())
        header[16:24] = (8_000).to_bytes(4) * 2
        header[29:33] = zlib.crc32(header[12:29]).to_bytes(4)
        archive.writestr("cat/wide.png", bytes(header))
        archive.writestr("cat/text.png", b"not at all")
        archive.writestr("cat/cut.png", picture(size=(900, 900))[:-40])
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("cat/1.png", picture())
    met = rules_met(buffer.getvalue(), "pets.zip", task="image", target="label")
    assert met == rules_told("Pictures")


def test_every_ending_is_on_the_page():
    table = FORMATS.split("| format | endings |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\.\w+)`", table)) - {*ENDINGS} == {*EXTENSIONS}


CONSTRAINTS: dict[str, tuple[Any, str, str]] = {
    "required": ({"type": "string", "constraints": {"required": True}}, "", "required missing"),
    "unique": ({"type": "string", "constraints": {"unique": True}}, "v7", "not unique"),
    "enum": (
        {"type": "string", "constraints": {"enum": ["a", "b", "c"]}},
        "d",
        "not one of 3 allowed values",
    ),
    "minimum": ({"type": "integer", "constraints": {"minimum": 0}}, "-1", "below minimum 0"),
    "maximum": ({"type": "integer", "constraints": {"maximum": 10}}, "11", "above maximum 10"),
    "pattern": (
        {"type": "string", "constraints": {"pattern": "[A-Z]{2}"}},
        "ABC",
        "does not match the pattern [A-Z]{2}",
    ),
    "minLength": ({"type": "string", "constraints": {"minLength": 2}}, "x", "shorter than 2 characters"),
    "maxLength": ({"type": "string", "constraints": {"maxLength": 8}}, "x" * 9, "longer than 8 characters"),
}


def good_cell(name: str, place: int) -> str:
    return {"enum": "a", "minimum": "3", "maximum": "3", "pattern": "AB"}.get(name, f"v{place}")


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_broken_constraint_is_told_in_the_words_of_the_page(name):
    field, wrong, rule = CONSTRAINTS[name]
    schema: dict[str, Any] = {"fields": [{"name": name, "type": "integer"} for name in ("id", "late")]}
    schema["fields"].append({"name": "x", **field})
    world = World()
    world.define(data={"max_bad": "5%", "schema": schema})
    rows = [f"{i},{i % 2},{good_cell(name, i)}" for i in range(60)]
    row = world.upload("\n".join(["id,late,x", *rows, f"60,1,{wrong}", ""]).encode())
    assert (row.state, row.rows_good) == (DatasetState.READY, 60), row.detail
    assert [(r["row"], r["column"], r["rule"]) for r in world.rejects(row)] == [(62, "x", rule)]
    assert f"`{rule}`" in SCHEMA


def test_every_constraint_is_tried():
    assert {field.encode_name for field in msgspec.structs.fields(Constraints)} == {*CONSTRAINTS}


def test_every_key_of_the_manifest_is_explained():
    section = DATASETS.split("### The manifest")[1].split("###")[0]
    told = set(re.findall(r"`(\w+)`", section))
    for part in (DatasetManifest, RawObject, RowCounts, SplitRecord):
        assert {field.encode_name for field in msgspec.structs.fields(part)} <= told, part.__name__


def test_every_figure_of_a_profile_is_explained():
    page = (REFERENCE / "profile.md").read_text(encoding="utf-8")
    told = {word for code in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"\w+", code)}
    for part in (
        model.ColumnProfile,
        model.Histogram,
        model.Lengths,
        model.Gaps,
        model.Periods,
        model.Method,
    ):
        assert {field.encode_name for field in msgspec.structs.fields(part)} <= told, part.__name__


def test_the_files_of_a_version_are_those_of_the_page():
    world = World()
    world.define()
    upload = world.upload("\n".join(["id,late", *(f"{i},{i % 2}" for i in range(90)), ""]).encode())
    files = {key.split("/")[3] for key in world.data.versions if f"/{upload.version}/" in key}
    table = DATASETS.split("| file | what it is |")[1].split("\n\n")[0]
    told = {
        name.strip("/")
        for line in table.splitlines()
        for name in re.findall(r"`([^`]+)`", line.split("|")[1:2][0] if "|" in line else "")
    }
    assert files == told - {"schema_diff.json"}


def test_a_reject_looks_as_on_the_page():
    world = World()
    world.define(data={"max_bad": "5%"})
    rows = [f"{i}.5,{'true' if i % 2 else 'false'}" for i in range(60)]
    rows[15] = "far,true"
    (reject,) = world.rejects(world.upload("\n".join(["distance,late", *rows, ""]).encode()))
    assert reject == json.loads(re.findall(r"```json\n(.*?)```", DATASETS, re.DOTALL)[0])


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_of_a_reason_is_rejected_with_it(code):
    said = sentence_of(code)
    page = (REFERENCE / "reasons" / f"{code}.md").read_text(encoding="utf-8")
    assert f"> {code}: {said}" in page
