from typing import Any

import pytest

from headrace.client.cells import read_cell


@pytest.mark.parametrize(
    ("kind", "cell", "spelling", "expected"),
    [
        ("number", "NA", {"missingValues": ["NA"]}, None),
        ("number", "1.234,5", {"decimalChar": ",", "groupChar": "."}, 1234.5),
        ("integer", "1 234", {"groupChar": " "}, 1234),
        ("boolean", "ja", {"trueValues": ["ja"], "falseValues": ["nein"]}, True),
        ("date", "03.04.2026", {"format": "%d.%m.%Y"}, "2026-04-03"),
        ("datetime", "03.04.2026 07:30", {"format": "%d.%m.%Y %H:%M"}, "2026-04-03T07:30:00"),
        ("datetime", "1767225600000", {"format": "%Q"}, "2026-01-01T00:00:00+00:00"),
        # What does not fit goes as it is: the service names the record and the field.
        ("date", "31.02.2026", {"format": "%d.%m.%Y"}, "31.02.2026"),
        ("number", "NA", {}, "NA"),
        ("number", "1,5", {}, "1,5"),
    ],
)
def test_a_cell_means_what_it_means_in_the_files_a_model_was_trained_on(
    kind: str, cell: str, spelling: dict[str, Any], expected: object
) -> None:
    assert read_cell(cell, {"type": kind, "spelling": spelling}) == expected
