"""Everything around the services: tables, buckets, the bus, SageMaker, a key; every call of it goes through the faults."""

import random

from shared.codec import Row
from tests.simulation.buckets import SimBucket
from tests.simulation.bus import SimBus
from tests.simulation.clock import SimClock
from tests.simulation.engine import SimEngine
from tests.simulation.faults import Calls, Rates
from tests.simulation.functions import Functions
from tests.simulation.processing import SimProcessing
from tests.simulation.sagemaker import SimEndpoints, SimKey, SimRuntime, SimTraining
from tests.simulation.scheduler import Scheduler
from tests.simulation.tables import SimTable
from tests.simulation.trace import Trace
from tests.simulation.transforms import SimTransforms
from tests.unit.training.fake_packages import FakePackages

TABLE_CALLS = ("get", "query", "put", "update", "delete", "transact")
BUCKET_CALLS = (
    *("head", "read", "write", "open", "open_range", "copy_version"),
    *("list_versions", "folders", "list", "delete"),
)
INDEX_LAG_S = 1.0


class Neighbours:
    """One stage of AWS, and nothing of ours in it yet."""

    def __init__(self, chance: random.Random, rates: Rates, trace: Trace) -> None:
        self.scheduler = Scheduler()
        self.trace = trace
        self.calls = Calls(self.scheduler, chance, rates, trace)
        self.clock = SimClock(self.scheduler)
        self.functions = Functions(self.scheduler, chance, self.calls, trace)
        self._tables()
        self._buckets()
        self.engine = SimEngine(self.scheduler, chance)
        through = self.calls.through
        training = SimTraining(self.scheduler, chance, self.calls, self.data, self.artifacts)
        endpoints = SimEndpoints(self.scheduler, chance, self.calls)
        bus = SimBus(self.scheduler, chance, self.calls, self.functions, trace)
        processing = SimProcessing(self.scheduler, chance, self.calls, self.data)
        transforms = SimTransforms(self.scheduler, chance, self.calls, self.data)
        training.bus = endpoints.bus = processing.bus = transforms.bus = bus
        self.processing: SimProcessing = through(processing, "processing", "create", "describe")
        self.runtime = through(SimRuntime(endpoints), "runtime", "invoke", retries=False)
        self.training: SimTraining = through(training, "jobs", "create", "describe", "stop")
        self.endpoints: SimEndpoints = through(
            endpoints, "endpoints", "describe", "create", "delete", "names"
        )
        self.transforms: SimTransforms = through(
            transforms, "transforms", "create", "describe", "stop", "forget"
        )
        self.bus: SimBus = through(bus, "bus", "announce")
        self.packages = through(FakePackages(), "packages", "create", "describe", "update")
        self.key = through(SimKey(), "kms", "sign", "verify")
        self._owners = 0

    def next_owner(self) -> str:
        """Return a name for the next holder of a lease."""
        self._owners += 1
        return f"owner-{self._owners}"

    def definition(self, pipeline: str) -> Row:
        """Return the definition of a pipeline as its row has it; an empty one where there is none now."""
        found: Row = self.pipelines.rows.get(("pipeline", pipeline), {}).get("definition", {})
        return found

    def life(self, pipeline: str) -> int:
        """Return how often pipelines of this name have been deleted."""
        return int(self.pipelines.rows.get(("deleted", pipeline), {}).get("life", 0))

    @property
    def tables(self) -> dict[str, SimTable]:
        """The tables by name."""
        found = (self.pipelines, self.datasets, self.jobs, self.models, self.releases)
        return {table.name: table for table in (*found, self.predictions, self.replies)}

    def _tables(self) -> None:
        self.pipelines = self._table("pipelines", "kind", "pipeline")
        self.datasets = self._table("datasets", "pipeline", "version")
        self.jobs = self._table("jobs", "job_id")
        self.models = self._table("models", "pipeline", "version")
        self.releases = self._table("releases", "pipeline", "entry")
        self.predictions = self._table("predictions", "request_id", "chunk")
        self.replies = self._table("idempotency", "id")

    def _table(self, name: str, *keys: str) -> SimTable:
        table = SimTable(name, *keys, now=lambda: self.scheduler.now, lag_s=INDEX_LAG_S)
        made: SimTable = self.calls.through(table, name, *TABLE_CALLS)
        return made

    def _buckets(self) -> None:
        self.incoming, self.data, self.artifacts = (
            self.calls.through(SimBucket(name, self.clock), f"s3/{name}", *BUCKET_CALLS)
            for name in ("incoming", "data", "models")
        )
