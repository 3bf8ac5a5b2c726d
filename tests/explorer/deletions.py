"""A pipeline that is deleted, and perhaps defined again: what the ingest service writes, as moves of the release machine."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from shared.codec import to_row
from shared.entities.deletion import Deletion
from shared.readers import DEFINED, DELETED
from tests.explorer.machine import MOST_EVENTS, State, changed, wished
from tests.explorer.neighbours import LONG_AGO, PIPELINE, RELEASE
from tests.explorer.replay import Rows

ERASE, AGAIN = "eve deletes the pipeline", "ada defines it again"
TOLD = "the deletion is told"
_ENCODE = msgspec.json.Encoder(order="sorted").encode
_DEFINITION, _DELETION = ("pipelines", (DEFINED, PIPELINE)), ("pipelines", (DELETED, PIPELINE))


def defined(release: dict[str, Any]) -> Rows:
    """Return the row of the definition; *release* is what its section says beside the plainest."""
    section = {**RELEASE, **release}
    definition = {"name": PIPELINE, "task": "classification", "target": "late", "release": section}
    row = {"kind": DEFINED, "pipeline": PIPELINE, "definition": definition, "rev": 1}
    return ((*_DEFINITION, _ENCODE({**row, "created_at": LONG_AGO, "updated_at": LONG_AGO})),)


def life_of(state: State) -> int:
    """Return how often the pipeline was deleted."""
    return _life(state.rows)


def is_defined(state: State) -> bool:
    """Say whether the pipeline has a definition, or was never deleted."""
    return life_of(state) == 0 or any(row[:2] == _DEFINITION for row in state.rows)


def of_the_definition(state: State, release: dict[str, Any]) -> Iterator[tuple[str, State]]:
    """Delete the pipeline, or define it again once that is done, as people do while anything else happens."""
    if ERASE in state.left.wishes and is_defined(state):
        deletion = Deletion(pipeline=PIPELINE, life=life_of(state) + 1, deleted_by="eve", deleted_at=LONG_AGO)
        kept = tuple(row for row in state.rows if row[:2] not in {_DEFINITION, _DELETION})
        row = (*_DELETION, _ENCODE({"kind": DELETED, **to_row(deletion)}))
        told = state.bus if state.bus.count(TOLD) == MOST_EVENTS else tuple(sorted((*state.bus, TOLD)))
        yield ERASE, changed(wished(state, ERASE), rows=tuple(sorted((*kept, row))), bus=told)
    if AGAIN in state.left.wishes and not is_defined(state):
        rows = tuple(sorted((*state.rows, *defined(release))))
        yield AGAIN, changed(wished(state, AGAIN), rows=rows)


@cache
def _life(rows: Rows) -> int:
    bodies = [row[2] for row in rows if row[:2] == _DELETION]
    return msgspec.json.decode(bodies[0], type=Deletion).life if bodies else 0
