"""What the REST routes change: pipeline definitions."""

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.definitions import check_definition
from chalicelib.ingest.views import EffectiveDefinition

from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.errors import Conflict, InvalidRequest


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


def delete_pipeline(adapters: Adapters, name: str, *, force: bool, if_match: str | None) -> None:
    """Remove a definition; its dataset versions stay, and without *force* they forbid it.

    Raises
    ------
    Conflict
        The pipeline has dataset versions.
    """
    adapters.pipelines.read.get(name)
    count = len(adapters.catalog.read.versions(name))
    if count and not force:
        raise Conflict(
            f"pipeline {name!r} has {count} dataset versions, and models may serve from them; "
            "to remove the definition all the same (the data stays) repeat with ?force=true"
        )
    adapters.pipelines.delete(name, rev=read_etag(if_match))


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
