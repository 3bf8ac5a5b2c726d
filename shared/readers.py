"""What one service may read of another's tables: the only place where such reads are written.

Training reads pipelines, datasets and releases; inference reads pipelines and models. Each policy grants exactly that.
"""

from typing import Any

import msgspec

from shared.codec import Row, from_row
from shared.entities.dataset import DatasetManifest, DatasetState, DatasetVersion
from shared.entities.deletion import Deletion
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.entities.serving import Release
from shared.entities.training import ModelVersion
from shared.errors import NotFound
from shared.objects import Bucket, split_uri
from shared.parsing import convert
from shared.tables import Table

# The partitions of the pipelines table.
DEFINED, DELETED = "pipeline", "deleted"


class Pipelines:
    """Reads pipeline definitions, and which were deleted."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._known: dict[str, tuple[dict[str, Any], PipelineDefinition]] = {}

    def get(self, name: str) -> Pipeline:
        """Return the stored pipeline.

        Raises
        ------
        NotFound
            There is none of that name.
        """
        missing = f"no pipeline {name!r}; create it with PUT /v1/pipelines/{name}"
        return _found(self.table, (DEFINED, name), Pipeline, missing)

    def definition(self, name: str) -> PipelineDefinition:
        """Return the definition with every default filled in."""
        return self.definition_of(self.get(name))

    def definition_of(self, pipeline: Pipeline) -> PipelineDefinition:
        """Return the definition of a stored pipeline with every default filled in."""
        known = self._known.get(pipeline.pipeline)
        # To convert one costs thirty times what it costs to see that it is the same as before.
        if known is None or known[0] != pipeline.definition:
            # Converted when read: a definition stored by an older release gets the defaults of this one.
            kind: Any = PipelineDefinition
            known = self._known[pipeline.pipeline] = pipeline.definition, convert(pipeline.definition, kind)
        return known[1]

    def all(self) -> list[Pipeline]:
        """Return all pipelines, in the order of their names."""
        return [from_row(row, Pipeline) for row in all_rows(self.table, DEFINED)]

    def names(self) -> list[str]:
        """Return the names of all pipelines, in order."""
        return [str(row["pipeline"]) for row in all_rows(self.table, DEFINED)]

    def deletion(self, name: str) -> Deletion | None:
        """Return the last deletion of a pipeline of that name, None where there never was one."""
        row = self.table.get(DELETED, name)
        return from_row(row, Deletion) if row else None

    def deletions(self) -> list[Deletion]:
        """Return the last deletion of every name that ever had one; some are defined again."""
        return [from_row(row, Deletion) for row in all_rows(self.table, DELETED)]

    def life(self, name: str) -> int:
        """Return what begins now for *name* must carry, to be told from what belonged to a deleted pipeline."""
        deletion = self.deletion(name)
        return deletion.life if deletion else 0


def _is_usable(row: Row) -> bool:
    return row.get("state") == DatasetState.READY and not row.get("duplicate_of")


class Datasets:
    """Reads dataset versions and their manifests."""

    def __init__(self, table: Table, data: Bucket | None = None) -> None:
        self.table = table
        self._data = data

    def get(self, pipeline: str, version: str) -> DatasetVersion:
        """Return one version's row.

        Raises
        ------
        NotFound
            There is none.
        """
        missing = f"pipeline {pipeline!r} has no dataset version {version!r}"
        return _found(self.table, (pipeline, version), DatasetVersion, missing)

    def versions(self, pipeline: str) -> list[DatasetVersion]:
        """Return all versions of *pipeline*, oldest first (by ordinal)."""
        # The sort key is a hash of the upload, so the table's own order says nothing of time.
        rows = [from_row(row, DatasetVersion) for row in all_rows(self.table, pipeline)]
        return sorted(rows, key=lambda version: version.ordinal)

    def ready(self, pipeline: str) -> list[DatasetVersion]:
        """Return the versions a training may use: READY and not a duplicate of another, oldest first."""
        # Told by their rows: a plan reads all versions of a pipeline, and to convert a row costs more than to read it.
        rows = [row for row in all_rows(self.table, pipeline) if _is_usable(row)]
        return sorted((from_row(row, DatasetVersion) for row in rows), key=lambda version: version.ordinal)

    def manifest(self, version: DatasetVersion) -> DatasetManifest:
        """Return the manifest of a READY version."""
        if self._data is None or version.manifest_uri is None:
            raise NotFound(f"dataset version {version.version!r} has no manifest yet")
        _, key = split_uri(version.manifest_uri)
        return msgspec.json.decode(self._data.read(key), type=DatasetManifest)


class Models:
    """Reads model versions."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def get(self, pipeline: str, version: str) -> ModelVersion:
        """Return one model version's row.

        Raises
        ------
        NotFound
            There is none.
        """
        missing = f"pipeline {pipeline!r} has no model version {version!r}"
        # "#counters" is no pipeline, but the training service's own entry in the table.
        if pipeline.startswith("#"):
            raise NotFound(missing)
        return _found(self.table, (pipeline, version), ModelVersion, missing)

    def versions(self, pipeline: str) -> list[ModelVersion]:
        """Return all model versions of *pipeline*, oldest first."""
        if pipeline.startswith("#"):
            return []
        # As text v10 sorts before v9.
        rows = [from_row(row, ModelVersion) for row in all_rows(self.table, pipeline)]
        return sorted(rows, key=lambda model: model.number)


class Releases:
    """Reads what serves."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def current(self, pipeline: str) -> Release | None:
        """Return the release row of *pipeline*, None before its first release."""
        row = self.table.get(pipeline, "current")
        return from_row(row, Release) if row else None

    def was_tried(self, pipeline: str, version: str) -> bool:
        """Say whether *version* was ever a candidate that ended, in whatever way."""
        rows = all_rows(self.table, pipeline, prefix="history#")
        return any(row.get("candidate") == version for row in rows)


def all_rows(
    table: Table, partition: str, *, prefix: str = "", between: tuple[int, int] | None = None
) -> list[dict[str, Any]]:
    """Return every row of one partition whose sort key fits, page by page."""
    page = table.query(partition, prefix=prefix, between=between)
    rows = page.rows
    while page.cursor:
        page = table.query(partition, prefix=prefix, between=between, cursor=page.cursor)
        rows += page.rows
    return rows


def _found[T](table: Table, key: tuple[str, str], kind: type[T], missing: str) -> T:
    """Return the row under *key*; :class:`NotFound` with the sentence *missing* where there is none."""
    row = table.get(*key)
    if row is None:
        raise NotFound(missing)
    return from_row(row, kind)
