"""What the REST routes change: pipeline definitions."""

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.definitions import check_definition
from chalicelib.ingest.views import DeletedPipeline, EffectiveDefinition

from shared.entities.deletion import Deletion
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.errors import Conflict, HeadraceError, InvalidRequest
from shared.events import PipelineDeleted


def put_pipeline(
    adapters: Adapters, name: str, definition: PipelineDefinition, if_match: str | None
) -> tuple[Pipeline, bool]:
    """Store a definition; return the pipeline and whether it is new."""
    check_definition(name, definition)
    return adapters.pipelines.put(name, definition, adapters.clock(), rev=read_etag(if_match))


def effective_definition(name: str, definition: PipelineDefinition) -> EffectiveDefinition:
    """Return what *definition* would come to if it were put; nothing is stored.

    Raises
    ------
    InvalidBody
        With an entry for every wrong place, as :func:`put_pipeline` would.
    """
    check_definition(name, definition)
    return EffectiveDefinition(definition=msgspec.json.decode(msgspec.json.encode(definition)))


def delete_pipeline(
    adapters: Adapters, name: str, who: str, *, force: bool, if_match: str | None
) -> DeletedPipeline:
    """Remove a definition; without *force* its dataset versions forbid it.

    What serves is not this service's to read. Nothing trains or serves without a dataset version, and those stay for
    ever: to ask for them refuses whatever a look at endpoints and jobs would refuse, and some more.

    Raises
    ------
    Conflict
        The pipeline has dataset versions.
    """
    adapters.pipelines.read.get(name)
    count = len(adapters.catalog.read.versions(name))
    if count and not force:
        raise Conflict(
            f"pipeline {name!r} has {count} dataset versions: a model may be live from them, and jobs may run. "
            "With ?force=true its jobs are stopped and its endpoints deleted; the data and the models stay"
        )
    deletion = adapters.pipelines.delete(name, who, adapters.clock(), rev=read_etag(if_match))
    _announce(adapters, deletion)
    return DeletedPipeline(
        pipeline=name,
        deleted_by=deletion.deleted_by,
        deleted_at=deletion.deleted_at,
        detail="The definition is gone. Training jobs and batches are stopped, and endpoints deleted, within two "
        "minutes. Dataset versions and model versions stay.",
    )


def _announce(adapters: Adapters, deletion: Deletion) -> None:
    """Tell the other services; their next minute finds the row of the deletion by itself."""
    event = PipelineDeleted(**msgspec.structs.asdict(deletion))
    try:
        adapters.bus.announce(event, correlation_id=f"{deletion.pipeline}-{deletion.life}")
    except HeadraceError:
        # It is deleted whatever the bus says, and to ask again would answer that there is no such pipeline.
        adapters.log.warning("the deletion was not announced", exc_info=True)


def etag(pipeline: Pipeline) -> str:
    """Return the ETag of a pipeline's revision."""
    return f'"{pipeline.rev}"'


def read_etag(if_match: str | None) -> int | None:
    """Return the revision that If-Match demands, None where it is absent.

    Raises
    ------
    InvalidRequest
        It is no ETag of a pipeline.
    """
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise InvalidRequest(f'If-Match {if_match[:40]!r} is not an ETag of a pipeline, such as "3"')
    return int(text)
