"""Adapter: the models table."""

from collections.abc import Iterator

from chalicelib.training.gate import Decision

from shared.clock import Clock, to_text
from shared.codec import from_row, to_row
from shared.conditions import Absent, Condition, all_of, any_of, having
from shared.entities.training import WAITS_FOR_PERSON, Judgement, ModelState, ModelVersion
from shared.readers import Models
from shared.tables import Change, Table, Write

_COUNTERS = "#counters"
_KEPT_JUDGEMENTS = 10  # a row holds 400 KB, and each has its sentences


class ModelRows(Models):
    """Reads and moves model versions."""

    def __init__(self, table: Table, clock: Clock) -> None:
        super().__init__(table)
        self._clock = clock

    def find(self, pipeline: str, version: str) -> ModelVersion | None:
        """Return the model version, None where there is none."""
        row = self.table.get(pipeline, version)
        return from_row(row, ModelVersion) if row else None

    def open(self, attention: str = "open") -> Iterator[ModelVersion]:
        """Yield the versions with that attention, by default those not judged or told, as the index shows them: it lags."""
        cursor = None
        while True:
            page = self.table.query(
                attention, index="attention", keys=("attention", "updated_at"), cursor=cursor
            )
            yield from (from_row(row, ModelVersion) for row in page.rows)
            if (cursor := page.cursor) is None:
                return

    def still_open(self, seen: ModelVersion) -> ModelVersion | None:
        """Return a version that the index has shown as it is by now, None where its attention is another."""
        model = self.find(seen.pipeline, seen.version)
        return model if model is not None and model.attention == seen.attention else None

    def take_number(self, pipeline: str) -> int:
        """Return the next N of *pipeline*; a number that is taken and never used stays a gap."""
        row = self.table.update((_COUNTERS, pipeline), Change(add={"number": 1}))
        return int(row["number"])

    def next_number(self, pipeline: str) -> tuple[int, Write]:
        """Return the next N of *pipeline*, and the part of a transaction that takes it unless another was quicker.

        Taken together with what it is for: two that hear of one completion at once leave no gap.
        """
        row = self.table.get(_COUNTERS, pipeline)
        number = int(row["number"]) + 1 if row else 1
        unchanged = having("number", number - 1) if row else Absent("number")
        key = (_COUNTERS, pipeline)
        return number, self.table.updating(key, Change(set={"number": number}), only_if=unchanged)

    def registering(self, model: ModelVersion) -> Write:
        """Return the part of a transaction that makes *model* exist, if it does not yet."""
        # A model version never changes: even this service may not write it twice.
        return self.table.putting(to_row(model), only_if=Absent("version"))

    def decided(
        self, model: ModelVersion, decision: Decision, *, after: tuple[ModelState, ...]
    ) -> ModelVersion:
        """Write a decision; only from the states in *after*. It stays open until it is told.

        A decision of the gate also needs that nobody decided since *model* was read: a person's is never
        overwritten.
        """
        now = to_text(self._clock())
        judgement = Judgement(at=now, state=decision.state, reasons=decision.reasons, basis=decision.basis)
        judgements = (*model.judgements, judgement)[-_KEPT_JUDGEMENTS:]
        fields = {
            "state": decision.state,
            "reasons": list(decision.reasons),
            "verdicts": [to_row(verdict) for verdict in decision.verdicts],
            "judgements": [to_row(each) for each in judgements],
            "attention": "open",
            "updated_at": now,
        }
        if decision.basis is None:
            return self._update(model, Change(set=fields), having("state", *after))
        champion = decision.basis.champion
        change = Change(
            set=fields | ({"evaluated_champion": champion} if champion else {}),
            remove=() if champion else ("evaluated_champion",),
        )
        return self._update(model, change, all_of(having("state", *after), having("rev", model.rev)))

    def waiting(self, model: ModelVersion, reason: str) -> ModelVersion:
        """Note on a version that is not decided what its decision waits for."""
        change = Change(set={"reasons": [reason]})
        return self._update(model, change, having("state", ModelState.REGISTERED))

    def told(self, model: ModelVersion) -> ModelVersion:
        """Note that the verdict is out; what is left is to write it into the version's model package."""
        return self._update(model, Change(set={"attention": "package"}), having("state", model.state))

    def packaged(self, model: ModelVersion, arn: str) -> None:
        """Note which model package mirrors the version."""
        self._update(model, Change(set={"package_arn": arn}), having("version", model.version))

    def mirrored(self, model: ModelVersion) -> None:
        """Close the row: its package says what it says. While it waits for a person it is looked at every minute."""
        waits = model.state in WAITS_FOR_PERSON
        if waits and model.attention == "person":
            return
        change = Change(set={"attention": "person"}) if waits else Change(remove=("attention",))
        settled = all_of(
            having("state", model.state),
            any_of(having("attention", "package", "person"), Absent("attention")),
        )
        self._update(model, change, settled)

    def _update(self, model: ModelVersion, change: Change, only_if: Condition) -> ModelVersion:
        key = (model.pipeline, model.version)
        return from_row(self.table.update(key, change, only_if=only_if), ModelVersion)
