"""Everything outside that the ingest stories touch, handed to them as one argument."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from chalicelib.ingest.build import Built, Order, Refusal
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.reader import Limits, Source
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles
from chalicelib.ingest.processing.jobs import ProcessingJobs
from chalicelib.ingest.processing.plan import Place
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.sink import Sink

from shared.clock import Clock
from shared.entities.dataset import DatasetVersion

Measure = Callable[[DatasetVersion, float], None]
Build = Callable[[Scratch, Source, Order, Sink, Callable[[str], None]], Built | Refusal]
# Calls its argument beside the block, again and again until that answers False.
Renewing = Callable[[Callable[[], bool]], AbstractContextManager[None]]


class Adapters(msgspec.Struct, frozen=True, kw_only=True):
    """One field per resource; tests fill it with fakes in one place."""

    raw: RawObjects
    files: DatasetFiles
    catalog: Catalog
    jobs: ProcessingJobs
    job_files: JobFiles
    place: Place
    pipelines: PipelineStore
    bus: Any
    clock: Clock
    open_scratch: Callable[[], AbstractContextManager[Scratch]]
    build: Build
    renewing: Renewing
    measure: Measure
    log: logging.Logger
    limits: Limits
    disk_bytes: int
    code_version: str
