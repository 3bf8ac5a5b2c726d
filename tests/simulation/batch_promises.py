"""What must hold of batches: one end each, no row asked twice at a time, every row answered by the version they began with."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from chalicelib.inference.batch_rows import ENDED, Batch, BatchState
from chalicelib.inference.workflow.batches import result_keys

from shared.codec import Row, from_row
from shared.errors import Conflict, InProgress, InvalidBody, NotFound, Unavailable
from tests.fakes import Key
from tests.simulation.batches import NOWHERE, REST, BatchUsers, Refused, Wish
from tests.simulation.models import answer_of
from tests.simulation.neighbours import Neighbours
from tests.simulation.serving import STALE_S, Serving

_JOB = re.compile(r"-batch-(.+)-a([0-9]+)$")
# Promised, and therefore not read from the code.
_MOST_JOBS = 3
_KEY_HELD_S = 60 + 29 + 20  # its lease, the longest request, and how wrong two clocks are
_IS_EMPTY = ("the file is empty", "the file has no records")


class BatchPromises:
    """Watches the rows of batches and the transform jobs; *broken* hears of each promise that was broken."""

    def __init__(
        self, around: Neighbours, users: BatchUsers, serving: Serving, broken: Callable[[str], None]
    ) -> None:
        self._around = around
        self._users = users
        self._serving = serving
        self._broken = broken
        self._row_of: dict[str, Key] = {}
        around.releases.watchers.append(self._on_row)
        around.transforms.watchers.append(self._on_job)

    def _on_row(self, key: Key, before: Row, row: Row) -> None:
        if not key[1].startswith("batch#"):
            return
        if not before:
            self._row_of[key[1].removeprefix("batch#")] = key
            self._on_new(row)
            return
        if before["state"] in ENDED and row.get("state") != before["state"]:
            self._broken(f"batch {key} was {before['state']} and became {row.get('state')}")

    def _on_new(self, row: Row) -> None:
        """See that the version was live when somebody asked: by a row that a router may go by."""
        scheduler = self._around.scheduler
        began = scheduler.current.ends_at - REST.timeout_s if scheduler.current else scheduler.now
        live = {
            said.get("live") for said in self._serving.said(row["pipeline"], began - STALE_S, scheduler.now)
        }
        if row["version"] not in live:
            self._broken(f"batch {row['entry']} is to be answered by {row['version']}, live was {live}")

    def _on_job(self, name: str, keys: list[str]) -> None:
        transforms, (batch, attempt) = self._around.transforms, _batch_of(name)
        beside = [other for other in transforms.running() if _batch_of(other)[0] == batch]
        if beside:
            self._broken(f"{name} began beside {beside}")
        if attempt > _MOST_JOBS:
            self._broken(f"{name} is one too many")
        state = self._around.releases.rows[self._row_of[batch]]["state"]
        if state in ENDED:
            self._broken(f"{name} began, and its batch is {state}")
        out = {f"{key.replace('/transform/in/', '/transform/out/')}.out" for key in keys}
        if again := out & self._around.data.versions.keys():
            self._broken(f"{name} asks again for {again}")

    def at_rest(self) -> Iterator[str]:
        """Yield the jobs that still run."""
        yield from (f"{name} runs" for name in self._around.transforms.running())

    def check_at_the_end(self) -> Iterator[str]:
        """Yield what is wrong with any batch, and with any answer to who asked for one."""
        for key in self._row_of.values():
            batch = from_row(self._around.releases.rows[key], Batch)
            yield from (f"batch {batch.id}: {wrong}" for wrong in self._ended(batch))
        yield from self._accepted()
        yield from self._refused()

    def _ended(self, batch: Batch) -> Iterator[str]:
        wish = self._wish_of(batch)
        if batch.state is BatchState.SUCCEEDED:
            yield from self._complete(batch, wish)
        elif batch.state is BatchState.FAILED:
            yield from self._failed(batch, wish)
        elif batch.state is BatchState.STOPPED:
            if batch.id not in self._users.stopped and batch.life >= self._around.life(batch.pipeline):
                yield "is STOPPED, nobody asked for that, and its pipeline was not deleted"
        elif batch.state is not BatchState.UPLOADING or batch.id in self._users.begun:
            yield f"is {batch.state}"

    def _wish_of(self, batch: Batch) -> Wish:
        name = batch.input_key.rpartition("/")[2]
        return self._users.wishes[int(name.partition(".")[0])]

    def _complete(self, batch: Batch, wish: Wish) -> Iterator[str]:
        """Yield what the results have too much, too little or in another order than the file."""
        result, rejects = (self._lines(key) for key in result_keys(batch))
        expected = [
            {"row": number, **msgspec.to_builtins(answer_of(batch.version, row))}
            for number, row in enumerate(wish.rows, 1)
            if row is not None
        ]
        bad = [number for number, row in enumerate(wish.rows, 1) if row is None]
        if result != expected:
            yield f"answered are {result}, not {expected}"
        if [line["row"] for line in rejects] != bad:
            yield f"refused are {rejects}, not {bad}"
        if (batch.rows, batch.failed) != (len(wish.rows), len(bad)):
            yield f"counts {batch.rows} rows, {batch.failed} of them failed"

    def _lines(self, key: str) -> list[Any]:
        return [msgspec.json.decode(line) for line in self._around.data.read(key).splitlines()]

    def _failed(self, batch: Batch, wish: Wish) -> Iterator[str]:
        """Yield a reason that is none: it may fail by its file, or because its version is served no more."""
        reason = batch.reason or ""
        is_gone = f"{batch.version} is not served any more" in reason
        live = self._around.releases.rows[batch.pipeline, "current"].get("live")
        if not (is_gone and live != batch.version) and not (reason in _IS_EMPTY and not wish.rows):
            yield f"failed: {reason}"

    def _accepted(self) -> Iterator[str]:
        """Yield where one wish under a key is two batches, or a batch is of another pipeline."""
        of_wish: dict[int, set[str]] = {}
        for one in self._users.accepted:
            if one.wish.key:
                of_wish.setdefault(one.wish.number, set()).add(one.batch)
            if self._row_of.get(one.batch, ("",))[0] != one.wish.pipeline:
                yield f"batch {one.batch} was promised, and is not there"
        yield from (f"wish {number} is the batches {ids}" for number, ids in of_wish.items() if len(ids) > 1)

    def _refused(self) -> Iterator[str]:
        """Yield the refusals that no rule of ours gives, and what was accepted against one."""
        for one in self._users.refused:
            if not self._may_refuse(one):
                yield f"wish {one.wish.number} was refused: {type(one.error).__name__}: {one.error}"
        for accepted in self._users.accepted:
            if accepted.wish.wrong:
                yield f"wish {accepted.wish.number} was accepted, though it is {accepted.wish.wrong}"

    def _may_refuse(self, one: Refused) -> bool:
        if isinstance(one.error, NotFound):
            return one.wish.pipeline == NOWHERE or bool(self._around.life(one.wish.pipeline))
        if isinstance(one.error, InvalidBody):
            return bool(one.wish.wrong)
        if isinstance(one.error, Conflict) and str(one.error).startswith("nothing is live"):
            said = self._serving.said(one.wish.pipeline, one.began - STALE_S, one.ended)
            return any(row.get("live") is None for row in said)
        return isinstance(one.error, Unavailable) or (isinstance(one.error, InProgress) and self._is_met(one))

    def _is_met(self, one: Refused) -> bool:
        """Say whether another request with the key was, or may still have been, at work."""
        since = one.began - _KEY_HELD_S
        others = [at for at in self._users.asked[one.wish.number] if at != one.began]
        return any(since <= at <= one.ended for at in others)


def _batch_of(job: str) -> tuple[str, int]:
    """Return the batch and the attempt that a transform job is named for."""
    found = _JOB.search(job)
    assert found is not None
    return found[1], int(found[2])
