"""Adapter: how new data of a pipeline is paced, one row per pipeline in the jobs table (``#pacing#<pipeline>``).

Every change is part of a transaction with the job it is about, and fails if the row changed since it was read:
two uploads at once cannot both start a job, and none can overlook the other.
"""

from collections.abc import Mapping

import msgspec
from chalicelib.training.job import Job

from shared.codec import from_row
from shared.conditions import Absent, having
from shared.tables import Change, Table, Write


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """``waiting`` is the job that gathers new data, ``starts`` when such jobs began, by job id."""

    pipeline: str
    waiting: str | None = None
    starts: dict[str, str] = {}
    rev: int = 0


class PacingRows:
    """Reads how a pipeline is paced and says what changes."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, pipeline: str) -> Pacing:
        """Return the pipeline's row, an empty one before its first paced job."""
        row = self._table.get(_key(pipeline)) or {}
        return from_row({**row, "pipeline": pipeline}, Pacing)

    def gathering(self, pacing: Pacing, job: Job) -> Write:
        """Return the part of a transaction that makes *job* the one which gathers new data."""
        return self._changing(pacing, {"waiting": job.job_id})

    def starting(self, pacing: Pacing, job: Job, starts: Mapping[str, str], now: str) -> Write:
        """Return the part of a transaction that notes the start of *job*; of the others only *starts* stay."""
        return self._changing(pacing, {"starts": {**starts, job.job_id: now}})

    def _changing(self, pacing: Pacing, fields: Mapping[str, object]) -> Write:
        # DynamoDB has no "equal or absent": before the first change the row does not exist.
        unchanged = having("rev", pacing.rev) if pacing.rev else Absent("rev")
        return self._table.updating((_key(pacing.pipeline),), Change(set=fields), only_if=unchanged)


def _key(pipeline: str) -> str:
    return f"#pacing#{pipeline}"
