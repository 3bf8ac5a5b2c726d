"""The dirty file is the same for everyone, and its list of bad rows is true."""

import csv
import io
import json

from benchmarks.ingest.dirty_csv import CELLS, truth_of, write


def test_the_same_size_gives_the_same_bytes(tmp_path):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, 0.2)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_the_truth_names_every_row_of_another_length_by_the_number_a_spreadsheet_shows(tmp_path):
    path = tmp_path / "a.csv"
    write(path, 0.5)
    rows = list(csv.reader(io.StringIO(path.read_text())))
    odd = {number for number, row in enumerate(rows, start=1) if len(row) != len(CELLS)}
    told = [json.loads(line) for line in truth_of(path).read_text().splitlines()]
    assert odd
    assert {bad["row"] for bad in told if bad["column"] is None} == odd


def test_the_truth_gives_the_text_of_each_wrong_cell(tmp_path):
    path = tmp_path / "a.csv"
    write(path, 0.5)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    told = [json.loads(line) for line in truth_of(path).read_text().splitlines()]
    wrong = [bad for bad in told if bad["column"]]
    assert wrong
    assert all(rows[bad["row"] - 2][bad["column"]] == bad["value"] for bad in wrong)
    assert all(rows[bad["row"] - 2]["id"] == bad["id"] for bad in wrong)


def test_a_first_file_has_only_the_labels_that_there_are(tmp_path):
    path = tmp_path / "a.csv"
    write(path, 0.5, labels_known=True)
    assert {row["label"] for row in csv.DictReader(io.StringIO(path.read_text()))} >= {"<=50K", ">50K"}
    assert "maybe" not in path.read_text()
