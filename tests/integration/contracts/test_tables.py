"""What a table promises, whichever cloud holds it."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.conditions import Absent, AtMost, Present, all_of, any_of, having
from shared.errors import ConditionFailed
from shared.tables import Change, Table
from tests.clouds import dynamodb
from tests.fakes import FakeTable
from tests.integration.contracts.conftest import IN_MEMORY
from tests.simulation.tables import SimTable

KEYS = ("pipeline", "version")
INDEX: dict[str, Any] = {"index": "attention", "keys": ("attention", "updated_at")}


@pytest.fixture
def table(cloud: str, url: str | None, clients: Callable[[str], Any]) -> Table:
    """An empty table with a sparse index, named anew for each test."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    if cloud in IN_MEMORY:
        return FakeTable(name, *KEYS) if cloud == "fake" else SimTable(name, *KEYS)
    names = {*KEYS, "attention", "updated_at"}
    clients("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in sorted(names)],
        KeySchema=schema(*KEYS),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "attention",
                "KeySchema": schema("attention", "updated_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return Table(dynamodb(url), name, *KEYS)


def schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def row(version: str = "a", **more: Any) -> dict[str, Any]:
    return {"pipeline": "flights", "version": version, **more}


def test_a_row_comes_back_as_it_went_in(table: Table) -> None:
    stored = row(
        n=3, x=0.1, big=1e22, flag=True, nothing=None, text="é\n", blob=b"\x00", many=[1, {"a": "b"}]
    )
    table.put(stored)
    assert table.get("flights", "a") == stored
    assert table.get("flights", "none") is None


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_refused(table: Table, number: float) -> None:
    with pytest.raises(ValueError, match="DynamoDB"):
        table.put(row(x=number))


def test_a_new_row_never_overwrites_one_that_is_there(table: Table) -> None:
    table.put(row(state="READY"), only_if=Absent("pipeline"))
    with pytest.raises(ConditionFailed):
        table.put(row(state="RECEIVED"), only_if=Absent("pipeline"))
    assert table.get("flights", "a") == row(state="READY")


def test_an_update_sets_adds_removes_and_counts_the_revision(table: Table) -> None:
    table.put(row(state="RECEIVED", attempt=1, lease_until="x"))
    changed = table.update(
        ("flights", "a"), Change(set={"state": "READY"}, add={"attempt": 1}, remove=["lease_until"])
    )
    assert changed == row(state="READY", attempt=2, rev=1)
    assert table.get("flights", "a") == changed


def test_an_update_of_an_absent_row_makes_it_unless_forbidden(table: Table) -> None:
    assert table.update(("#counters", "flights"), Change(add={"ordinal": 1}))["ordinal"] == 1
    assert table.update(("#counters", "flights"), Change(add={"ordinal": 1}))["ordinal"] == 2
    with pytest.raises(ConditionFailed):
        table.update(("flights", "a"), Change(set={"state": "READY"}), only_if=Present("pipeline"))
    assert table.get("flights", "a") is None


def test_additions_made_at_once_all_count(table: Table, cloud: str) -> None:
    if cloud != "localcloud":
        pytest.skip(
            "in this process nothing locks an item: between threads additions get lost, as in no DynamoDB"
        )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: table.update(("flights", "a"), Change(add={"requests": n})), [1, 2] * 100))
    assert table.get("flights", "a") == row(requests=300, rev=200)


LEASE_FREE = any_of(
    having("state", "RECEIVED"), all_of(having("state", "VALIDATING"), AtMost("lease_until", "2026-01-02"))
)


@pytest.mark.parametrize(
    ("state", "lease", "granted"),
    [
        ("RECEIVED", None, True),
        ("VALIDATING", "2026-01-01", True),
        ("VALIDATING", "2026-01-02", True),
        ("VALIDATING", "2026-01-03", False),
        ("VALIDATING", None, False),
        ("READY", "2026-01-01", False),
    ],
)
def test_a_composed_condition_decides_as_written(
    table: Table, state: str, lease: str | None, granted: bool
) -> None:
    table.put(row(state=state) | ({"lease_until": lease} if lease else {}))
    change = Change(set={"owner": "me"})
    if granted:
        assert table.update(("flights", "a"), change, only_if=LEASE_FREE)["owner"] == "me"
    else:
        with pytest.raises(ConditionFailed):
            table.update(("flights", "a"), change, only_if=LEASE_FREE)


def test_a_transaction_writes_all_or_nothing(table: Table) -> None:
    table.put(row("a", state="READY"))
    with pytest.raises(ConditionFailed):
        table.transact(
            table.putting(row("b")),
            table.checking(("flights", "a"), having("state", "REJECTED")),
        )
    assert table.get("flights", "b") is None
    table.transact(
        table.putting(row("b"), only_if=Absent("pipeline")),
        table.updating(("flights", "c"), Change(set={"state": "RECEIVED"})),
        table.checking(("flights", "a"), having("state", "READY")),
    )
    assert table.get("flights", "b") == row("b")
    assert table.get("flights", "c") == row("c", state="RECEIVED", rev=1)


def test_a_query_reads_one_partition_in_order_and_in_pages(table: Table) -> None:
    for version in ("v3", "v1", "v2", "w1"):
        table.put(row(version))
    table.put({"pipeline": "other", "version": "v1"})
    first = table.query("flights", limit=2)
    rest = table.query("flights", limit=10, cursor=first.cursor)
    assert [r["version"] for r in first.rows + rest.rows] == ["v1", "v2", "v3", "w1"]
    assert rest.cursor is None
    assert [r["version"] for r in table.query("flights", prefix="v", descending=True).rows] == [
        "v3",
        "v2",
        "v1",
    ]


def test_a_sparse_index_holds_only_the_rows_that_want_attention(table: Table) -> None:
    table.put(row("a", attention="open", updated_at="2026-01-02"))
    table.put(row("b", attention="open", updated_at="2026-01-01"))
    table.put(row("c", updated_at="2026-01-03"))
    assert [r["version"] for r in table.query("open", **INDEX).rows] == ["b", "a"]
    table.update(("flights", "b"), Change(remove=["attention"]))
    assert [r["version"] for r in table.query("open", **INDEX).rows] == ["a"]


def test_a_query_can_be_narrowed_to_numbers_between_two_both_included(
    cloud: str, url: str | None, clients: Callable[[str], Any]
) -> None:
    name, keys = f"contract-{uuid.uuid4().hex[:8]}", ("request_id", "chunk")
    numbered: Table = FakeTable(name, *keys) if cloud == "fake" else SimTable(name, *keys)
    if cloud not in IN_MEMORY:
        kinds = [{"AttributeName": n, "AttributeType": t} for n, t in zip(keys, "SN", strict=True)]
        clients("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=kinds, KeySchema=schema(*keys)
        )
        numbered = Table(dynamodb(url), name, *keys)
    for chunk in (-2, -1, 0, 3, 10):
        numbered.put({"request_id": "r", "chunk": chunk})
    assert [r["chunk"] for r in numbered.query("r", between=(-1, 3)).rows] == [-1, 0, 3]
    assert numbered.query("r", between=(4, 9)).rows == []


def test_a_delete_obeys_its_condition(table: Table) -> None:
    table.put(row(state="READY"))
    with pytest.raises(ConditionFailed):
        table.delete(("flights", "a"), only_if=having("state", "REJECTED"))
    table.delete(("flights", "a"), only_if=having("state", "READY"))
    assert table.get("flights", "a") is None


def test_a_row_goes_and_another_counts_up_or_neither(table: Table) -> None:
    table.put(row(state="READY"))
    for state in ("REJECTED", "READY", "READY"):
        parts = (
            table.deleting(("flights", "a"), only_if=having("state", state)),
            table.updating(("flights", "gone"), Change(add={"times": 1})),
        )
        if state == "READY" and table.get("flights", "a"):
            table.transact(*parts)
        else:
            with pytest.raises(ConditionFailed):
                table.transact(*parts)
    assert table.get("flights", "a") is None
    assert table.get("flights", "gone") == {"pipeline": "flights", "version": "gone", "rev": 1, "times": 1}
