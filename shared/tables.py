"""Adapter: one DynamoDB table, with conditional writes and transactions; no Scan, no decisions."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shared.aws import JsonApi, aws_errors
from shared.codec import Row, from_item, to_attribute, to_item
from shared.conditions import Condition, Names
from shared.errors import Unavailable

# A table that is made, or brought back, at this moment: its rows are no less there.
_ERRORS = {"ResourceNotFoundException": Unavailable}
# DynamoDB's limits of a partition key and a sort key.
_MAX_KEY_BYTES = (2048, 1024)


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a transaction: its kind (Put, Update, Delete or ConditionCheck) and DynamoDB's request for it."""

    kind: str
    request: dict[str, Any]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one query and, where more follow, the key to go on from."""

    rows: list[Row]
    cursor: Row | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an update does: attributes to set, numbers to add, attributes to remove."""

    set: Mapping[str, Any] = {}
    add: Mapping[str, int] = {}
    remove: Sequence[str] = ()


class Table:
    """One table. ``keys`` are the names of its partition and, where it has one, sort key."""

    def __init__(self, dynamodb: JsonApi, name: str, *keys: str) -> None:
        self._dynamodb = dynamodb
        self.name = name
        self.keys = keys

    def get(self, *key: str) -> Row | None:
        """Return the row under *key* (consistent read), None where there is none."""
        # Asked all the same, DynamoDB refuses the call; what a caller put into a path is not our bug.
        if not _can_exist(*key):
            return None
        with aws_errors(f"read {self.name} {key}", _ERRORS):
            # Consistent, at twice the price: a handler often reads what another wrote a moment ago.
            answer = self._dynamodb.call(
                "GetItem", {"TableName": self.name, "Key": self._key(key), "ConsistentRead": True}
            )
        return from_item(answer["Item"]) if "Item" in answer else None

    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        between: tuple[int, int] | None = None,
        index: str | None = None,
        keys: tuple[str, str] | None = None,
        descending: bool = False,
        limit: int | None = None,
        cursor: Row | None = None,
    ) -> Page:
        """Return rows of one *partition* in the order of the sort key, of the table or of *index* with its *keys*.

        *prefix* and *between* (numbers, both ends included) narrow the sort key. A page ends after *limit* rows or 1 MB, whichever comes first; ``cursor`` says whether more follow.
        """
        if not _can_exist(partition):
            return Page(rows=[])
        names = Names()
        partition_key, sort_key = keys or (self.keys[0], self.keys[-1])
        condition = f"{names.name(partition_key)} = {names.value(partition)}"
        if prefix:
            condition += f" AND begins_with({names.name(sort_key)}, {names.value(prefix)})"
        if between:
            low, high = between
            condition += f" AND {names.name(sort_key)} BETWEEN {names.value(low)} AND {names.value(high)}"
        request = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ScanIndexForward": not descending,
            **_placeholders(names),
            **_page_options(index, limit, cursor),
        }
        with aws_errors(f"query {self.name} {partition}", _ERRORS):
            answer = self._dynamodb.call("Query", request)
        last = answer.get("LastEvaluatedKey")
        rows = [from_item(item) for item in answer["Items"]]
        return Page(rows=rows, cursor=from_item(last) if last else None)

    def put(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> None:
        """Write the whole *row*.

        Raises
        ------
        ConditionFailed
            *only_if* does not hold of the row that is there.
        """
        with aws_errors(f"write {self.name}", _ERRORS):
            self._dynamodb.call("PutItem", self.putting(row, only_if=only_if).request)

    def update(self, key: tuple[str, ...], change: Change, *, only_if: Condition | None = None) -> Row:
        """Change the row under *key* (made if absent, unless *only_if* forbids) and return it as it is then."""
        request = {**self.updating(key, change, only_if=only_if).request, "ReturnValues": "ALL_NEW"}
        with aws_errors(f"update {self.name} {key}", _ERRORS):
            answer = self._dynamodb.call("UpdateItem", request)
        return from_item(answer["Attributes"])

    def delete(self, key: tuple[str, ...], *, only_if: Condition | None = None) -> None:
        """Remove the row under *key*; an absent row is no error."""
        with aws_errors(f"delete {self.name} {key}", _ERRORS):
            self._dynamodb.call("DeleteItem", self.deleting(key, only_if=only_if).request)

    def putting(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> Write:
        """Return :meth:`put` as a part of a transaction."""
        names = Names()
        request = {"TableName": self.name, "Item": to_item(row), **_conditional(only_if, names)}
        return Write(kind="Put", request=request | _placeholders(names))

    def updating(self, key: tuple[str, ...], change: Change, *, only_if: Condition | None = None) -> Write:
        """Return :meth:`update` as a part of a transaction; every update counts ``rev`` up by one."""
        names = Names()
        # ADD makes an absent number 0 first; SET x = x + 1 would fail on a row that is new.
        sets = [f"{names.name(name)} = {names.value(value)}" for name, value in change.set.items()]
        adds = [f"{names.name(name)} {names.value(n)}" for name, n in {"rev": 1, **change.add}.items()]
        expression = f"ADD {', '.join(adds)}"
        if sets:
            expression += f" SET {', '.join(sets)}"
        if change.remove:
            expression += f" REMOVE {', '.join(names.name(name) for name in change.remove)}"
        request = {"TableName": self.name, "Key": self._key(key), "UpdateExpression": expression}
        request |= _conditional(only_if, names)
        return Write(kind="Update", request=request | _placeholders(names))

    def deleting(self, key: tuple[str, ...], *, only_if: Condition | None = None) -> Write:
        """Return :meth:`delete` as a part of a transaction."""
        names = Names()
        request = {"TableName": self.name, "Key": self._key(key), **_conditional(only_if, names)}
        return Write(kind="Delete", request=request | _placeholders(names))

    def checking(self, key: tuple[str, ...], only_if: Condition) -> Write:
        """Return a transaction part that writes nothing and demands *only_if* of the row under *key*."""
        names = Names()
        request = {"TableName": self.name, "Key": self._key(key), **_conditional(only_if, names)}
        return Write(kind="ConditionCheck", request=request | _placeholders(names))

    def transact(self, *writes: Write) -> None:
        """Do all *writes* (of any tables) or none.

        Raises
        ------
        ConditionFailed
            At least one condition does not hold; nothing was written.
        """
        request = {
            # DynamoDB takes at most 100 parts, and no two of one row: a ConditionCheck beside an Update is refused.
            "TransactItems": [{write.kind: write.request} for write in writes],
            # With it a transaction that is sent again, because its answer was lost, happens once.
            "ClientRequestToken": os.urandom(18).hex(),
        }
        with aws_errors(f"transaction of {len(writes)} writes at {self.name}", _ERRORS):
            self._dynamodb.call("TransactWriteItems", request)

    def _key(self, key: tuple[str, ...]) -> dict[str, Any]:
        return to_item(dict(zip(self.keys, key, strict=True)))


def _can_exist(*key: str) -> bool:
    """Say whether a row can have *key*: neither empty nor longer than DynamoDB takes."""
    return all(1 <= len(part.encode()) <= most for part, most in zip(key, _MAX_KEY_BYTES, strict=False))


def _page_options(index: str | None, limit: int | None, cursor: Row | None) -> dict[str, Any]:
    # An index has no consistent reads; DynamoDB refuses the option there.
    options: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
    if limit:
        options["Limit"] = limit
    if cursor:
        options["ExclusiveStartKey"] = to_item(cursor)
    return options


def _conditional(only_if: Condition | None, names: Names) -> dict[str, Any]:
    return {"ConditionExpression": only_if.render(names)} if only_if else {}


def _placeholders(names: Names) -> dict[str, Any]:
    """Return the two placeholder members, each only where used: DynamoDB refuses empty ones."""
    members: dict[str, Any] = {}
    if names.names:
        members["ExpressionAttributeNames"] = names.names
    if names.values:
        members["ExpressionAttributeValues"] = {k: to_attribute(v) for k, v in names.values.items()}
    return members
