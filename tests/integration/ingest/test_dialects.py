"""Every dialect of a delimited file that is accepted, through the real engine."""

import itertools

import pytest

from tests.unit.ingest.world import World, make_csv

DELIMITERS = (b",", b";", b"\t", b"|")
LINE_ENDS = (b"\n", b"\r\n", b"\r")
MARKS = (b"", b"\xef\xbb\xbf")


@pytest.mark.parametrize(("delimiter", "end", "mark"), [*itertools.product(DELIMITERS, LINE_ENDS, MARKS)])
def test_line_ends_marks_and_delimiters_make_no_difference(tmp_path, delimiter, end, mark):
    world = World()
    world.define()
    row = world.upload(mark + make_csv(60).replace(b",", delimiter).replace(b"\n", end))
    assert world.types(row) == {"id": "integer", "distance": "number", "carrier": "string", "late": "boolean"}
    assert len(world.good_rows(row, tmp_path)) == 60
