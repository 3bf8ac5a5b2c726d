"""A CSV request may spell values as the files did that the model was trained on."""

from typing import Any

import pytest
from chalicelib.inference.formats import CSV, Records, join, to_rows
from chalicelib.inference.inputs import Input
from chalicelib.inference.spelling import Spelling
from chalicelib.inference.validation import Validator


def value_of(cell: str, kind: Any, **spelling: Any) -> bytes:
    given = Input(name="x", type=kind, spelling=Spelling(**spelling))
    body = f'x\n"{cell}"\n'.encode()
    return (
        join(to_rows(Records(kind=CSV, body=body), {"x": given})).removeprefix(b'[{"x":').removesuffix(b"}]")
    )


@pytest.mark.parametrize(
    ("kind", "cell", "spelling", "expected"),
    [
        ("number", "NA", {"missing_values": ("NA",)}, b"null"),
        ("string", "?", {"missing_values": ("?",)}, b"null"),
        ("number", "1.234,5", {"decimal_char": ",", "group_char": "."}, b"1234.5"),
        ("boolean", "ja", {"true_values": ("ja",), "false_values": ("nein",)}, b"true"),
        ("boolean", "nein", {"true_values": ("ja",), "false_values": ("nein",)}, b"false"),
        ("date", "03.04.2026", {"format": "%d.%m.%Y"}, b'"2026-04-03"'),
        ("datetime", "03.04.2026 07:30", {"format": "%d.%m.%Y %H:%M"}, b'"2026-04-03T07:30:00"'),
        ("datetime", "1767225600", {"format": "%s"}, b'"2026-01-01T00:00:00+00:00"'),
        # RFC 3339 is understood whatever the files are like.
        ("date", "2026-04-03", {"format": "%d.%m.%Y"}, b'"2026-04-03"'),
        ("boolean", "true", {"true_values": ("ja",)}, b"true"),
    ],
)
def test_a_cell_means_in_a_request_what_it_means_in_a_file(
    kind: str, cell: str, spelling: dict[str, Any], expected: bytes
) -> None:
    assert value_of(cell, kind, **spelling) == expected


@pytest.mark.parametrize(("kind", "cell"), [("number", "NA"), ("date", "31.02.2026"), ("boolean", "ja")])
def test_a_cell_that_no_file_spells_so_stays_text_for_the_validator_to_refuse(kind: str, cell: str) -> None:
    pattern = "%d.%m.%Y" if kind == "date" else "default"
    assert value_of(cell, kind, format=pattern) == f'"{cell}"'.encode()


def test_a_signature_brings_its_spelling_and_an_older_one_none() -> None:
    spelled = {"name": "x", "type": "number", "required": False, "spelling": {"missingValues": ["NA"]}}
    plain = {"name": "y", "type": "number", "required": False}
    inputs = Validator({"inputs": [spelled, plain]}).inputs
    assert inputs["x"].spelling == Spelling(missing_values=("NA",))
    assert inputs["y"].spelling == Spelling()
