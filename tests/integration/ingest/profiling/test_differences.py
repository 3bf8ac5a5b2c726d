"""What changed between two versions is told from their profiles, and the index is the textbook's."""

import math

import msgspec
import pytest
from chalicelib.ingest.profiling.differences import compare
from chalicelib.ingest.profiling.model import Profile
from chalicelib.ingest.profiling.stability import psi_of_shares


def difference(before, after):
    return compare(before, after, names=("d1", "d2"))


def changes(before, after):
    return {column.name: column for column in difference(before, after).columns}


def test_the_index_by_hand():
    # (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln (2/3)
    expected = 0.25 * math.log(2) + 0.25 * math.log(1.5)
    assert (
        psi_of_shares([0.25, 0.75], [0.5, 0.5]) == pytest.approx(expected) == pytest.approx(0.2747, abs=1e-4)
    )
    assert psi_of_shares([0.5, 0.5], [0.5, 0.5]) == 0
    assert math.isfinite(psi_of_shares([1.0, 0.0], [0.0, 1.0]))


def test_the_index_of_texts_is_that_of_their_shares(profile_of):
    before = profile_of(x=("string", ["a"] * 25 + ["b"] * 75))
    after = profile_of(x=("string", ["a"] * 50 + ["b"] * 50))
    assert changes(before, after)["x"].psi == pytest.approx(psi_of_shares([0.25, 0.75], [0.5, 0.5]))
    assert changes(before, after)["x"].change == "changed"


def test_the_index_of_numbers_is_that_of_the_deciles_before(profile_of):
    before = profile_of(x=("number", [i / 7 for i in range(1000)]))
    after = profile_of(x=("number", [i / 7 + 1000 / 70 for i in range(1000)]))
    # All values move up by one decile: the first is empty, the last has two.
    expected = psi_of_shares([0.1] * 10, [0.0] + [0.1] * 8 + [0.2])
    assert changes(before, after)["x"].psi == pytest.approx(expected, rel=0.02)


def test_numbers_of_few_values_are_compared_value_by_value(profile_of):
    before = profile_of(x=("integer", [0] * 60 + [1] * 40))
    after = profile_of(x=("integer", [0] * 60 + [2] * 40))
    assert changes(before, after)["x"].psi == pytest.approx(psi_of_shares([0.6, 0.4, 0.0], [0.6, 0.0, 0.4]))


def test_a_profile_does_not_differ_from_itself(profile_of):
    same = profile_of(
        a=("number", [math.exp(i / 50) for i in range(500)]),
        b=("string", [f"v{i % 30}" for i in range(500)]),
        c=("integer", [0] * 300 + list(range(200))),
    )
    columns = difference(same, same).columns
    assert [(c.change, c.psi, c.missing_change) for c in columns] == [("same", 0.0, 0.0)] * 3


def test_texts_of_which_nothing_is_known_have_no_index(profile_of):
    before = profile_of(x=("string", [f"a{i}" for i in range(40)]))
    after = profile_of(x=("string", [f"b{i}" for i in range(40)]))
    assert changes(before, after)["x"].psi is None


def test_added_removed_retyped_and_renamed_columns_are_told_apart(profile_of):
    before = profile_of(
        passenger_count=("integer", [1, 2]), gone=("string", ["a", "b"]), kind=("integer", [1, 2])
    )
    after = profile_of(
        passengerCount=("integer", [1, 2]), new=("number", [0.5, 1]), kind=("string", ["x", "y"])
    )
    found = changes(before, after)
    assert {name: c.change for name, c in found.items()} == {
        "passengerCount": "renamed",
        "gone": "removed",
        "new": "added",
        "kind": "retyped",
    }
    assert found["passengerCount"].renamed_from == "passenger_count"
    assert found["kind"].type == ("integer", "string")
    assert (found["new"].type, found["gone"].type) == ((None, "number"), ("string", None))


def test_a_column_of_another_type_is_not_taken_for_a_renamed_one(profile_of):
    before = profile_of(passenger_count=("integer", [1, 2]))
    after = profile_of(passenger_counts=("string", ["a", "b"]))
    assert {c.change for c in difference(before, after).columns} == {"added", "removed"}


def test_more_missing_values_are_a_change(profile_of):
    before = profile_of(x=("string", ["a", "b"] * 50))
    after = profile_of(x=("string", ["a", "b"] * 45 + [None] * 10))
    found = changes(before, after)["x"]
    assert (found.change, found.missing_change) == ("changed", pytest.approx(0.1))


def test_what_changed_most_comes_first(profile_of):
    before = profile_of(a=("string", ["p", "q"] * 50), b=("string", ["p", "q"] * 50))
    after = profile_of(a=("string", ["p", "q"] * 50), b=("string", ["p"] * 100))
    assert [c.name for c in difference(before, after).columns] == ["b", "a"]


def test_the_answer_reads_as_documented(profile_of):
    before, after = profile_of(x=("integer", [1, 2])), profile_of(x=("integer", [1, 2, 3]))
    shown = msgspec.json.decode(msgspec.json.encode(difference(before, after)))
    assert (shown["from"], shown["to"], shown["rows"]) == ("d1", "d2", {"from": 2, "to": 3})
    assert shown["columns"][0]["type"] == ["integer", "integer"]
    assert shown["columns"][0]["statistics"]["max"] == [2, 3]


def test_a_profile_written_before_methods_were_can_be_compared():
    old = msgspec.json.decode(
        b'{"format": 1, "row_count": 4, "columns": [{"name": "x", "type": "string", "count": 4, "missing": 0, '
        b'"distinct": 2, "top": [{"value": "a", "count": 3}, {"value": "b", "count": 1}]}]}',
        type=Profile,
    )
    assert changes(old, old)["x"].psi == 0
