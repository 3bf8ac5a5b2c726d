"""Labels joined to predictions by id: late, repeated, corrected, or there before the prediction's own record.

Read what is stored → decide, label by label → write labels and sums in one transaction → read again what waited, for
the log's writer may have come in between: whoever comes second finds what the first has written.
"""

from collections.abc import Iterable, Iterator, Mapping

from chalicelib.inference.counting import difference
from chalicelib.inference.labels import Decision, Label, Predicted, Result, decide, newest
from chalicelib.inference.prediction_log import Partition
from chalicelib.inference.tally import step_of
from chalicelib.inference.windows import Slot, slot_of
from chalicelib.inference.workflow.context import Logging

from shared.errors import ConditionFailed, Unavailable
from shared.tables import Write

Decided = tuple[Label, Decision]
# A transaction has at most 100 parts. Who met others at work takes ever fewer, the last ones one by one.
_PARTS = (90, 90, 30, 10, 2, 2)
_PAUSE_S = 0.05


def settle(adapters: Logging, pipeline: str, labels: Iterable[Label]) -> list[Decision]:
    """Return what became of each of *labels*, in their order.

    Raises
    ------
    Unavailable
        Others kept writing the same labels; sending all of them again does no harm.
    """
    sent = list(labels)
    by_id: dict[tuple[str, int], list[Label]] = {}
    for label in sent:
        by_id.setdefault((label.request_id, label.row), []).append(label)
    chosen = {key: newest(same) for key, same in by_id.items()}
    decided = _settle(adapters, pipeline, list(chosen.values()))
    return [_own(label, chosen[_key(label)], decided[_key(label)]) for label in sent]


def _own(label: Label, chosen: Label, decision: Decision) -> Decision:
    """Return what became of a label beside the one of the same request that was *chosen* for its prediction."""
    if label is chosen:
        return decision
    if label.value == chosen.value:
        return Decision(result=Result.UNCHANGED)
    return Decision(result=Result.SUPERSEDED, detail="a later value for it came in the same request")


def _settle(adapters: Logging, pipeline: str, labels: list[Label]) -> dict[tuple[str, int], Decision]:
    found: dict[tuple[str, int], Decision] = {}
    pending = labels
    for parts in _PARTS:
        decided = _decide_all(adapters, pending)
        found |= {_key(label): _told(found.get(_key(label)), decision) for label, decision in decided}
        failed = _write(adapters, pipeline, decided, parts)
        pending = [label for label, decision in decided if _key(label) in failed or _waits(decision)]
        if not pending:
            return found
        if failed:
            adapters.pause(_PAUSE_S)
    raise Unavailable(f"{len(pending)} labels are being written by somebody else; send them again")


def _told(before: Decision | None, now: Decision) -> Decision:
    # What was written and then found again is told as what it was when it was written.
    return before if before and before.result is now.result else now


def _decide_all(adapters: Logging, labels: list[Label]) -> list[Decided]:
    # In the order they came in, not in a set's: the simulation lives a seed again to the byte.
    known = adapters.records.find_all(dict.fromkeys(label.request_id for label in labels))
    return [(label, _decide(adapters, label, known[label.request_id])) for label in labels]


def _decide(adapters: Logging, label: Label, known: Partition) -> Decision:
    logged = known.logged
    stored = known.labels.get(label.row)
    if logged is None or logged.about.pipeline != label.pipeline:
        return decide(label, stored, None, adapters.clock())
    place = logged.place(label.row)
    if place is None:
        return Decision(result=Result.INVALID, detail="that row of the request was not answered")
    about = logged.about
    predicted = Predicted(
        answer=logged.predictions[place],
        version=about.model_version,
        at=about.at,
        expires_at_s=about.expires_at_s,
    )
    return decide(label, stored, predicted, adapters.clock())


def _waits(decision: Decision) -> bool:
    """Say whether its prediction may have come between the reading and the writing."""
    return decision.write is not None and decision.result is Result.WAITING


def _write(adapters: Logging, pipeline: str, decided: list[Decided], parts: int) -> set[tuple[str, int]]:
    """Write what was decided, and return what could not be written, since somebody else wrote meanwhile."""
    failed: set[tuple[str, int]] = set()
    for batch in _batches([one for one in decided if one[1].write], parts):
        if not _commit(adapters, pipeline, batch):
            failed |= {_key(label) for label, _ in batch}
    return failed


def _batches(decided: list[Decided], parts: int) -> Iterator[list[Decided]]:
    """Cut *decided* so that labels and the sums they change fit a transaction of *parts*."""
    batch: list[Decided] = []
    slots: set[Slot] = set()
    for one in decided:
        more = {*slots, *_slots(one)}
        if batch and len(batch) + 1 + len(more) > parts:
            yield batch
            batch, more = [], _slots(one)
        batch.append(one)
        slots = more
    if batch:
        yield batch


def _slots(one: Decided) -> set[Slot]:
    counted = one[1].write.counted if one[1].write else None
    return {slot_of(one[0].pipeline, counted.at)} if counted else set()


def _commit(adapters: Logging, pipeline: str, batch: list[Decided]) -> bool:
    """Write a batch; False where somebody else wrote meanwhile, and nothing was done."""
    written = [decision.write for _, decision in batch if decision.write]
    labels = [adapters.records.labelling(label) for label in written]
    try:
        adapters.records.transact([*labels, *_sums(adapters, pipeline, batch)])
    # Unavailable: another transaction has the same sums in hand.
    except (ConditionFailed, Unavailable):
        return False
    return True


def _changes(batch: list[Decided]) -> Iterator[tuple[Slot, str, Mapping[str, int]]]:
    """Yield what each label changes, where and of which version."""
    for label, decision in batch:
        counted = decision.write.counted if decision.write else None
        if counted is not None:
            # The prediction is the same one, so the label before counted in the same place.
            change = difference(counted.counts, decision.before.counts if decision.before else {})
            yield slot_of(label.pipeline, counted.at), counted.version, change


def _sums(adapters: Logging, pipeline: str, batch: list[Decided]) -> list[Write]:
    """Return what the batch changes of the sums: of its predictions' time, and of a release that is on trial."""
    by_slot: dict[Slot, dict[str, Mapping[str, int]]] = {}
    by_version: dict[str, Mapping[str, int]] = {}
    for slot, version, change in _changes(batch):
        versions = by_slot.setdefault(slot, {})
        versions[version] = _add(versions.get(version, {}), change)
        by_version[version] = _add(by_version.get(version, {}), change)
    now = adapters.clock()
    sums = [adapters.windows.adding(slot, versions, now) for slot, versions in by_slot.items()]
    release = adapters.releases.current(pipeline) if by_version else None
    for version, counts in by_version.items():
        step = step_of(release, version)
        if step is not None:
            sums.append(adapters.traffic.adding(step, counts, now))
    return sums


def _add(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}


def _key(label: Label) -> tuple[str, int]:
    return label.request_id, label.row
