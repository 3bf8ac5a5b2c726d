"""A later upload has the same columns; what widens without loss is accepted, all else is told apart."""

import msgspec
import pytest
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.differences import SchemaMismatch, compare_columns, compare_versions
from chalicelib.ingest.table_schema.evolution import Basis, decide, propose
from chalicelib.ingest.table_schema.learning import check_role_types, learn_categories
from chalicelib.ingest.table_schema.model import Constraints, Field, TableSchema
from chalicelib.ingest.table_schema.types import Type

from shared.errors import InvalidDataset

ROLES = Roles(target="late", label="late")
KNOWN = TableSchema(
    fields=(
        Field(name="distance", type=Type.INTEGER),
        Field(name="day", type=Type.DATE),
        Field(name="carrier", type=Type.STRING, categories=("AA", "UA")),
        Field(name="late", type=Type.BOOLEAN, constraints=Constraints(required=True)),
    )
)
COUNTS = {
    "distance": {"integer": 100},
    "day": {"date": 100},
    "carrier": {"string": 100},
    "late": {"boolean": 100},
}
BASIS = Basis(roles=ROLES, tolerance=0.01, known=KNOWN)


def proposing(counts, basis=BASIS):
    return propose(basis, tuple(counts), counts)


def refusal(counts, basis=BASIS):
    with pytest.raises(SchemaMismatch) as caught:
        proposing(counts, basis)
    return caught.value


def renaming(**names):
    return {names.get(name, name): kinds for name, kinds in COUNTS.items()}


def test_the_same_columns_in_another_order_are_the_same_schema():
    assert proposing(dict(reversed(COUNTS.items()))) == KNOWN
    assert decide(BASIS, COUNTS, KNOWN) == KNOWN


def test_a_first_upload_is_inferred_and_its_roles_are_required():
    schema = proposing(COUNTS, Basis(roles=ROLES, tolerance=0.01))
    assert schema.types == KNOWN.types
    assert [field.name for field in schema.fields if field.constraints.required] == ["late"]


def test_an_added_and_a_removed_column_are_told():
    error = refusal(
        {name: kinds for name, kinds in COUNTS.items() if name != "day"} | {"gate": {"integer": 5}}
    )
    assert (error.reason, error.diff.added, error.diff.removed) == ("schema_mismatch", ("gate",), ("day",))
    assert str(error) == "Unlike the newest READY version, column 'day' is missing; column 'gate' is new."


@pytest.mark.parametrize("name", ["Distance", "distance_km", "km"])
def test_a_column_of_a_similar_name_or_in_the_same_place_seems_renamed(name):
    diff = refusal(renaming(distance=name)).diff
    assert [(pair.old, pair.new) for pair in diff.renamed] == [("distance", name)]
    assert "column 'distance' seems to be renamed" in diff.sentence
    assert not diff.added
    assert not diff.removed


def test_a_similar_name_of_another_type_is_no_renaming():
    diff = refusal({**renaming(distance="distances"), "distances": {"string": 9}}).diff
    assert (diff.added, diff.removed) == (("distances",), ("distance",))


@pytest.mark.parametrize(
    ("name", "kinds", "wider"),
    [("distance", {"number": 1, "integer": 9}, "number"), ("day", {"date": 9, "datetime": 1}, "datetime")],
)
def test_a_type_widens_where_nothing_is_lost_and_stays_wide(name, kinds, wider):
    schema = decide(BASIS, COUNTS | {name: kinds}, KNOWN)
    assert schema.types[name] == wider
    again = Basis(roles=ROLES, tolerance=0.01, known=schema)
    assert decide(again, COUNTS, proposing(COUNTS, again)) == schema


def test_texts_for_no_value_may_appear_later():
    schema = decide(BASIS, COUNTS | {"distance": {"integer": 9, "missing:NA": 1}}, KNOWN)
    assert schema.fields[0].missing_values == ("NA",)
    assert compare_versions(KNOWN.fields, schema.fields).grown == ("distance",)


def test_missing_texts_of_the_sample_outlive_the_verdict_on_the_whole_file():
    first = Basis(roles=ROLES, tolerance=0.01)
    proposed = proposing(COUNTS | {"distance": {"integer": 9, "missing:NA": 1}}, first)
    assert decide(first, COUNTS | {"distance": {"integer": 9, "missing": 1}}, proposed) == proposed


def test_another_type_of_most_cells_is_a_mismatch_with_an_example():
    with pytest.raises(SchemaMismatch) as caught:
        decide(
            BASIS, COUNTS | {"distance": {"string": 51, "integer": 49}}, KNOWN, examples={"distance": "far"}
        )
    assert caught.value.diff.plain()["retyped"] == [
        {"name": "distance", "old": "integer", "new": "string", "example": "far"}
    ]
    assert "column 'distance' is string (such as 'far'), not integer" in str(caught.value)


def test_another_type_of_fewer_cells_is_bad_rows():
    assert decide(BASIS, COUNTS | {"distance": {"string": 49, "integer": 51}}, KNOWN) == KNOWN


def test_a_declared_schema_fixes_the_types_whatever_the_cells_are():
    basis = Basis(roles=ROLES, tolerance=0.01, declared=KNOWN)
    counts = COUNTS | {"distance": {"string": 100}}
    assert decide(basis, counts, proposing(counts, basis)) == KNOWN
    error = refusal(renaming(distance="km"), basis)
    assert str(error).startswith("Unlike the schema declared in data.schema, ")


def test_the_primary_key_of_a_declared_schema_is_required():
    declared = msgspec.structs.replace(KNOWN, primary_key=("distance",))
    schema = proposing(COUNTS, Basis(roles=ROLES, tolerance=0.01, declared=declared))
    assert schema.fields[0].constraints.required


def test_two_versions_differ_by_what_widened_and_what_was_retyped():
    changes = {"distance": Type.NUMBER, "carrier": Type.DATE}
    fields = [
        msgspec.structs.replace(field, type=changes.get(field.name, field.type)) for field in KNOWN.fields
    ]
    diff = compare_versions(KNOWN.fields, fields)
    assert [change.name for change in diff.widened] == ["distance"]
    assert [change.name for change in diff.retyped] == ["carrier"]


def labels(seen, **constraints):
    field = Field(
        name="late", type=Type.STRING, categories=("no", "yes"), constraints=Constraints(**constraints)
    )
    return learn_categories(TableSchema(fields=(field,)), {"late": seen}, "late", 0.01).fields[0]


def test_a_label_is_learned_when_frequent_and_refused_when_rare():
    assert labels({"yes": 98, "noo": 1, "maybe": 2}).constraints.enum == ("maybe", "no", "yes")


def test_declared_labels_stay_as_declared():
    field = labels({"yes": 50, "maybe": 50}, enum=("no", "yes", "never"))
    assert (field.constraints.enum, field.categories) == (("no", "yes", "never"), ("no", "yes"))


def test_only_texts_have_categories():
    assert learn_categories(KNOWN, {"late": {"true": 5}, "distance": {"1": 5}}, "late", 0.01) == KNOWN


@pytest.mark.parametrize("basis", [BASIS, Basis(roles=ROLES, tolerance=0.01, declared=KNOWN)])
def test_what_a_sample_taught_does_not_outlive_the_verdict_on_the_whole_file(basis):
    proposed = learn_categories(proposing(COUNTS, basis), {"carrier": {"ZZ": 5}}, "carrier", 0.01)
    assert "ZZ" in proposed.fields[2].constraints.enum
    assert decide(basis, COUNTS, proposed) == KNOWN


@pytest.mark.parametrize(
    "roles", [Roles(time="carrier"), Roles(target="carrier", numbers={"carrier": "target"})]
)
def test_a_role_demands_its_type(roles):
    with pytest.raises(InvalidDataset) as caught:
        check_role_types(KNOWN, roles)
    assert caught.value.reason == "wrong_column_type"


def test_a_schema_survives_its_own_document():
    assert msgspec.convert(KNOWN.plain(), TableSchema) == KNOWN


def test_a_file_of_all_other_columns_is_told_without_guessing_at_names():
    old = [Field(name=f"a{i}", type=Type.STRING) for i in range(1000)]
    new = [Field(name=f"b{i}", type=Type.STRING) for i in range(1000)]
    diff = compare_columns(old, new)
    assert (len(diff.added), len(diff.removed), diff.renamed) == (1000, 1000, ())
    assert diff.sentence.endswith("; and 1980 more")
