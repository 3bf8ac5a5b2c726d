"""Adapter: the pipelines table, which only this service writes."""

from datetime import datetime
from typing import Any

import msgspec

from shared.clock import to_text
from shared.codec import from_row, to_row
from shared.conditions import Absent, having
from shared.entities.deletion import Deletion
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.errors import ConditionFailed, NotFound, PreconditionFailed
from shared.readers import DEFINED, DELETED, Pipelines
from shared.tables import Change, Table


class PipelineStore:
    """Stored definitions; ``rev`` counts their changes and is their ETag."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.read = Pipelines(table)

    def put(
        self, name: str, definition: PipelineDefinition, now: datetime, *, rev: int | None = None
    ) -> tuple[Pipeline, bool]:
        """Store *definition* with its defaults filled in; return the pipeline and whether it is new.

        With *rev* only that revision is replaced.

        Raises
        ------
        PreconditionFailed
            Someone else has changed the pipeline since *rev*.
        """
        # By way of JSON, so that tuples are lists, as they come back from the table.
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
        if rev is None:
            created = self._create(name, plain, now)
            if created:
                return created, True
        return self._replace(name, plain, now, rev), False

    def delete(self, name: str, who: str, now: datetime, *, rev: int | None = None) -> Deletion:
        """Remove the definition of *name* and leave its deletion behind, by which the other services know.

        Raises
        ------
        NotFound
            There is none.
        PreconditionFailed
            Its revision is not *rev*.
        """
        self._check_rev(name, rev)
        there = having("kind", DEFINED) if rev is None else having("rev", rev)
        told = Change(set={"deleted_by": who, "deleted_at": to_text(now)}, add={"life": 1})
        try:
            # One transaction: a definition that is gone without a trace would leave jobs and endpoints running for ever.
            self._table.transact(
                self._table.deleting((DEFINED, name), only_if=there),
                self._table.updating((DELETED, name), told),
            )
        except ConditionFailed:
            raise PreconditionFailed(f"pipeline {name!r} was changed or deleted meanwhile") from None
        return from_row(self._table.get(DELETED, name) or {}, Deletion)

    def _create(self, name: str, plain: dict[str, Any], now: datetime) -> Pipeline | None:
        at = to_text(now)
        pipeline = Pipeline(pipeline=name, definition=plain, rev=1, created_at=at, updated_at=at)
        try:
            self._table.put(to_row(pipeline), only_if=Absent("pipeline"))
        except ConditionFailed:
            return None
        return pipeline

    def _replace(self, name: str, plain: dict[str, Any], now: datetime, rev: int | None) -> Pipeline:
        there = self._check_rev(name, rev)
        if there.definition == plain:
            return there  # so that deploying the same definition again changes nothing
        # Without If-Match the last writer wins, but a definition deleted meanwhile is not brought back.
        condition = having("kind", DEFINED) if rev is None else having("rev", rev)
        change = Change(set={"definition": plain, "updated_at": to_text(now)})
        try:
            return from_row(self._table.update((DEFINED, name), change, only_if=condition), Pipeline)
        except ConditionFailed:
            raise PreconditionFailed(f"pipeline {name!r} was changed or deleted meanwhile") from None

    def _check_rev(self, name: str, rev: int | None) -> Pipeline:
        try:
            found = self.read.get(name)
        except NotFound:
            if rev is None:
                raise
            raise PreconditionFailed(f"there is no pipeline {name!r} of revision {rev}") from None
        if rev is not None and found.rev != rev:
            raise PreconditionFailed(f"pipeline {name!r} has revision {found.rev}, If-Match names {rev}")
        return found
