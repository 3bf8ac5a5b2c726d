"""What becomes of rows and cells: the workshop's defects and the traps of untrusted CSV."""

import datetime as dt
import gzip

import pytest

from shared.entities.dataset import DatasetState

HEADER = b"id,distance,carrier,late\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def lines(count: int = 200) -> list[bytes]:
    return [b"%d,%d.5,AA,%s\n" % (i, i, b"true" if i % 2 else b"false") for i in range(count)]


def test_a_row_with_one_empty_cell_does_not_vanish(world, tmp_path):
    row = world.upload(HEADER + b"".join(lines()) + b"900,,AA,true\n901,1.5,,true\n,1.5,AA,true\n")
    assert (row.rows_good, row.rows_bad) == (203, 0)
    kept = world.good_rows(row, tmp_path)
    assert (900, None, "AA", True) in kept
    assert (None, 1.5, "AA", True) in kept


def test_what_is_not_a_number_is_quarantined_with_row_column_value_and_rule(world):
    values = ["abc", "nan", "inf", "-Infinity", "1e999", "\uff11\uff12", "0x10", "1,5"]
    world.define(data={"max_bad": "5%"})
    wrong = "".join(f'900,"{value}",AA,true\n' for value in values).encode()
    row = world.upload(HEADER + b"".join(lines()) + wrong)
    assert (row.rows_good, row.rows_bad) == (200, len(values))
    assert world.rejects(row) == [
        {"row": 202 + place, "column": "distance", "value": value, "rule": "not a number"}
        for place, value in enumerate(values)
    ]


def test_rows_of_a_wrong_number_of_cells_are_told_by_their_place_in_the_file(world):
    body = lines()
    body[10:10] = [b"1,2\n"]
    body[50:50] = [b"1,2,3,4,5,6\n", b"\n\n", b"7\n"]
    body[100:100] = [b"8,not,AA,true\n"]
    world.define(data={"max_bad": "5%"})
    row = world.upload(HEADER + b"".join(body))
    rejects = [(reject["row"], reject["rule"]) for reject in world.rejects(row)]
    cells = "wrong number of cells"
    assert rejects == [(12, cells), (52, cells), (53, cells), (101, "not a number")]


def test_a_quoted_line_break_is_one_row_and_keeps_its_blank_lines(world, tmp_path):
    body = HEADER + b'1,2.5,"A\r\n\r\nB",true\r\n' + b"".join(lines()) + b"1,2\n"
    row = world.upload(body)
    assert row.rows_good == 201
    assert (1, 2.5, "A\n\nB", True) in world.good_rows(row, tmp_path)
    assert world.rejects(row)[0]["row"] == 203


def test_a_missing_target_is_quarantined(world):
    row = world.upload(HEADER + b"".join(lines()) + b"1,2.5,AA,\n1,2.5,AA,  \n")
    assert [reject["rule"] for reject in world.rejects(row)] == ["target missing"] * 2
    assert world.manifest(row).rows.by_rule == {"target missing": 2}


def test_a_rejected_value_is_cut_and_escaped(world):
    row = world.upload(HEADER + b"".join(lines()) + b'1,"' + b"\x1b[31m" + b"x" * 500 + b'",AA,true\n')
    (reject,) = world.rejects(row)
    assert reject["value"] == "\x1b[31m" + "x" * 95
    assert b"\x1b" not in gzip.decompress(world.file(row, "rejects.jsonl.gz"))


# Each mark, end and delimiter once with each other kind; all their combinations are an integration test.
@pytest.mark.parametrize(
    ("delimiter", "end", "mark"),
    [
        (b",", b"\n", b""),
        (b";", b"\r\n", BYTE_ORDER_MARK),
        (b"\t", b"\r", b""),
        (b"|", b"\n", BYTE_ORDER_MARK),
        (b";", b"\r", BYTE_ORDER_MARK),
        (b"\t", b"\r\n", b""),
    ],
)
def test_line_ends_marks_and_delimiters_make_no_difference(world, tmp_path, delimiter, end, mark):
    body = (HEADER + b"".join(lines(60))).replace(b",", delimiter).replace(b"\n", end)
    row = world.upload(mark + body)
    assert world.types(row) == {"id": "integer", "distance": "number", "carrier": "string", "late": "boolean"}
    assert len(world.good_rows(row, tmp_path)) == 60


def test_mixed_line_ends_and_a_missing_last_one_lose_no_row(world):
    body = b"\n\n" + HEADER + b"".join(lines()[:100]).replace(b"\n", b"\r\n") + b"".join(lines()[100:])
    assert world.upload(body.rstrip(b"\n")).rows_good == 200


def test_the_order_of_columns_is_that_of_the_first_upload(world, tmp_path):
    first = world.upload(HEADER + b"".join(lines()))
    turned = b"late,carrier,distance,id\n" + b"".join(
        b",".join(reversed(line.strip().split(b","))) + b"\n" for line in lines()
    )
    second = world.upload(turned, "turned.csv")
    assert list(world.types(second)) == list(world.types(first)) == ["id", "distance", "carrier", "late"]
    for side in ("train", "validation", "test"):
        assert world.rows(first, side, tmp_path) == world.rows(second, side, tmp_path)


def test_names_of_columns_may_be_anything_printable(world, tmp_path):
    header = 'id,"a ""b""; drop table x --",größe,late\n'.encode()
    row = world.upload(header + b"".join(lines()))
    assert list(world.types(row)) == ["id", 'a "b"; drop table x --', "größe", "late"]
    assert len(world.good_rows(row, tmp_path)) == 200


COLUMNS = [
    (["1", "-2", "0"], "integer"),
    (["1", "2.5", "1e3", ".5"], "number"),
    (["007", "1", "2"], "string"),
    (["1234567890123456789", "1"], "string"),
    (["+49123", "+49124"], "string"),
    (["true", "FALSE", "True"], "boolean"),
    (["2026-01-31", "2024-02-29"], "date"),
    (["2026-01-31", "2026-01-31T10:00"], "datetime"),
    (["2026-01-31T10:00:00Z", "2026-01-31 10:00:00.123+02:00"], "datetime"),
    (["2026-02-30", "2026-01-31"], "string"),
    (["", "", ""], "string"),
    (["yes", "no"], "string"),
]


def test_a_type_is_inferred_from_the_whole_column(world):
    world.define(split={"by": "hash"})
    names = [f"c{place}" for place in range(len(COLUMNS))]
    rows = [
        ",".join([*(cells[i % len(cells)] for cells, _ in COLUMNS), "true" if i % 2 else "false"])
        for i in range(60)
    ]
    row = world.upload("\n".join([",".join([*names, "late"]), *rows]).encode())
    assert world.types(row) == {name: kind for name, (_, kind) in zip(names, COLUMNS, strict=True)} | {
        "late": "boolean"
    }


def test_times_are_instants_whatever_their_offset(world, tmp_path):
    world.define(data={"time": "at"}, split={"by": "hash"})
    rows = [f"2026-01-31T10:00:00+02:00,{i},{'true' if i % 2 else 'false'}\n" for i in range(60)]
    row = world.upload(b"at,id,late\n" + "".join(rows).encode())
    assert {r[0] for r in world.good_rows(row, tmp_path)} == {dt.datetime.fromisoformat("2026-01-31T08:00")}
    assert world.manifest(row).time.first == "2026-01-31T08:00:00Z"


def test_an_integer_column_may_widen_to_number_and_stays_so(world, tmp_path):
    world.upload(b"id,late\n" + b"".join(b"%d,true\n%d,false\n" % (i, i) for i in range(100)))
    second = world.upload(b"id,late\n" + b"".join(b"%d.5,true\n%d,false\n" % (i, i) for i in range(100)))
    assert world.types(second)["id"] == "number"
    third = world.upload(b"id,late\n" + b"".join(b"%d,true\n" % i for i in range(200)))
    assert (third.state, world.types(third)["id"]) == (DatasetState.READY, "number")


def test_a_rare_new_label_is_a_typing_error_and_a_frequent_one_is_learned(world):
    def body(labels: list[str]) -> bytes:
        return ("id,late\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels))).encode()

    world.upload(body(["yes", "no"] * 100))
    rare = world.upload(body(["yes", "no"] * 150 + ["noo"]))
    assert [reject["value"] for reject in world.rejects(rare)] == ["noo"]
    often = world.upload(body(["yes", "no", "maybe"] * 100))
    assert often.rows_bad == 0
    (field,) = (f for f in world.manifest(often).schema["fields"] if f["name"] == "late")
    assert field["constraints"]["enum"] == ["maybe", "no", "yes"]


def test_a_new_category_of_a_feature_is_no_error(world, csv):
    world.upload(csv())
    row = world.upload(csv(start=200).replace(b"UA", b"ZZ"))
    assert (row.state, row.rows_bad) == (DatasetState.READY, 0)


def test_dropped_columns_never_reach_the_data_bucket(world, csv, tmp_path):
    world.define(data={"drop": ["carrier"]})
    row = world.upload(csv())
    assert list(world.types(row)) == ["id", "distance", "late"]
    assert not any(b"carrier" in body for history in world.data.versions.values() for _, body, _ in history)


def test_what_cannot_be_a_type_for_most_cells_is_a_string_however_much_may_be_bad(world):
    world.define(data={"max_bad": "100%"})
    row = world.upload(
        HEADER + b"".join(b"%d,%s,AA,true\n" % (i, b"x" if i % 3 else b"5") for i in range(90))
    )
    assert world.types(row)["distance"] == "string"


def test_a_form_feed_or_a_line_separator_inside_a_cell_ends_no_row(world, tmp_path):
    row = world.upload(HEADER + b"".join(lines()) + "900,1.5,a\x0b\x1e\u2028b,true\n".encode())
    assert (900, 1.5, "a\x0b\x1e\u2028b", True) in world.good_rows(row, tmp_path)


def test_a_file_of_several_chunks_is_read_whole_and_numbered_right(world):
    body = lines(120_000)
    body[110_000:110_000] = [b"1,2\n"]
    row = world.upload(HEADER + b"".join(body))
    assert (row.row_count, row.rows_bad) == (120_001, 1)
    assert world.rejects(row)[0]["row"] == 110_002


def test_a_dropped_column_may_come_go_and_change_in_later_uploads(world, csv):
    world.define(data={"drop": ["carrier"]})
    assert world.upload(csv()).state == "READY"
    world.define(data={"drop": ["carrier", "distance"]})
    assert world.upload(csv(start=1).replace(b"distance", b"miles")).reason == "schema_mismatch"
    assert world.upload(csv(start=2).replace(b",carrier,", b",CARRIER?,")).reason == "schema_mismatch"
    assert world.upload(csv(start=3)).state == "READY"


def test_a_column_of_another_type_is_told_with_a_cell_that_shows_it(world):
    def numbers(cell: str) -> bytes:
        rows = "".join(f"{i},{cell.format(i)},{i % 2 == 0}\n".lower() for i in range(60))
        return f"id,amount,late\n{rows}".encode()

    assert world.upload(numbers("{}")).state == "READY"
    row = world.upload(numbers("about {}"))
    assert row.reason == "schema_mismatch"
    assert "'amount'" in row.detail
    assert "about 0" in row.detail


@pytest.mark.parametrize(
    ("tail", "kind", "bad"),
    [("NA", "number", 0), ("7.5", "number", 0), ("about 7", "number", 9), ("007", "string", 0)],
)
def test_what_only_the_end_of_a_large_file_shows_is_seen(world, tail, kind, bad):
    head = "".join(f"{i},{i}.25,{'true' if i % 3 else 'false'}\n" for i in range(90_000))
    end = "".join(f"{i},{tail},true\n" for i in range(90_000, 90_009))
    row = world.upload(f"id,amount,late\n{head}{end}".encode())
    assert (row.state, row.rows_bad) == ("READY", bad)
    assert world.types(row)["amount"] == kind
