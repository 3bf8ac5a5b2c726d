"""What a job is given: parameters and rows, from the folders that SageMaker fills before it starts."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "binary": pa.binary(),
}
# What a request can bring as it is, or in base64; times are for the split.
READ = ("integer", "number", "boolean", "string", "binary")
Field: TypeAlias = dict[str, Any]


class BadRequest(Exception):
    """What was sent cannot be answered; `predict` may raise it, and the caller gets a 400 with its text."""


@dataclass(frozen=True)
class Job:
    """One training job: `base` is `/opt/ml`, `parameters` what the pipeline says."""

    base: Path
    parameters: dict[str, Any]

    @classmethod
    def from_environment(cls) -> "Job":
        """Return the job this process runs for."""
        base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        told = (base / "input" / "data" / "parameters" / "parameters.json").read_text(encoding="utf-8")
        return cls(base, json.loads(told))

    @property
    def task(self) -> str:
        """What the pipeline calls its task."""
        return str(self.parameters["task"])

    @property
    def kind(self) -> str:
        """What is predicted: a number (`regression`), or one of some classes (`classification`), from whatever columns."""
        return "regression" if self.task == "regression" else "classification"

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return str(self.parameters["target"])

    @property
    def fields(self) -> list[Field]:
        """The columns as the schema has them."""
        return list(self.parameters["schema"]["fields"])

    @property
    def features(self) -> list[Field]:
        """The columns that a model may look at."""
        hidden = {self.target, self.parameters.get("key"), *self.parameters.get("drop", ())}
        return [f for f in self.fields if f["name"] not in hidden and f["type"] in READ]

    def read(self, channel: str) -> pa.Table:
        """Return the rows of `train`, `validation` or `test` whose target is known; none where there is no such channel."""
        folder = self.base / "input" / "data" / channel
        schema = pa.schema([(field["name"], TYPES[field["type"]]) for field in self.fields])
        # Part by part: columns that are empty in one part have another type there.
        parts = [
            pq.read_table(path).select(schema.names).cast(schema)
            for path in sorted(folder.rglob("*.parquet"))
        ]
        table = pa.concat_tables(parts) if parts else schema.empty_table()
        return table.filter(table[self.target].is_valid())
