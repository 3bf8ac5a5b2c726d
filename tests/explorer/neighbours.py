"""What is around the release machine: endpoints and their answers, counted requests, the bus; every call is a question."""

import logging
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.naming import endpoint_name, served_by, stage_prefix
from chalicelib.inference.plan import EndpointPlan, plan_endpoint
from chalicelib.inference.ports import EndpointState
from chalicelib.inference.releases import Releases
from chalicelib.inference.states import CurrentRelease, Outcome, ReleaseEntry
from chalicelib.inference.tally import Step, Tally, bucket_of
from chalicelib.inference.workflow.context import Releasing

from shared.clock import to_text
from shared.codec import to_row
from shared.entities.releasing import Realtime
from shared.entities.training import ModelVersion
from shared.errors import NotFound
from shared.events import Event, ReleaseStarted
from shared.readers import Models, Pipelines
from tests.explorer.replay import Asking, AskingTable, Rows
from tests.explorer.replay import Stage as Moment
from tests.fakes import FakeBucket, FakeClock, FakeTable, Key
from tests.simulation.tables import SimTable
from tests.unit.inference.fakes import signed_model

STAGE, PIPELINE = "test", "flights"
KEYS = {"releases": ("pipeline", "entry"), "models": ("pipeline", "version")}
RELEASE = {"endpoint": "realtime", "grace": "1m"}
CLOCK = FakeClock()
NOW, LONG_AGO = to_text(CLOCK()), "2025-01-01T00:00:00Z"
_BUCKET = FakeBucket("models")
# Each was compared with what is live at the beginning.
MODELS = {
    version: signed_model(_BUCKET, version, champion)
    for version, champion in (("v1", None), ("v2", "v1"), ("v3", "v2"), ("v4", "v2"))
}
# Of the pipeline that is defined again.
MODELS["v5"] = msgspec.structs.replace(signed_model(_BUCKET, "v5", None), life=1)
_WELL = Tally(requests=10, latencies={bucket_of(20): 10})
_BADLY = Tally(requests=10, errors=8, latencies={bucket_of(20): 2})


class World(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What is true outside the tables: endpoints by version, the last generation told of, how the trial goes, and
    whether somebody deleted an endpoint past everything."""

    endpoints: tuple[tuple[str, str], ...]
    told: int = 0
    tally: tuple[Any, ...] = ()
    is_meddled: bool = False

    def with_endpoint(self, version: str, status: str) -> "World":
        """Return the world with an endpoint in another status, or without it."""
        made = {**dict(self.endpoints), version: status}
        there = tuple(sorted((name, what) for name, what in made.items() if what))
        return msgspec.structs.replace(self, endpoints=there)


class ReleasesTable(SimTable):
    """The releases; a row's revision is the number of history entries, so that what comes to the same is the same.

    All that the service uses it for is to keep entries of one second in order.
    """

    def _commit(self, writes: Any) -> None:
        super()._commit(writes)
        current = self.rows.get((PIPELINE, "current"))
        if current and current["rev"] != len(self.rows) - 1:
            self._replace((PIPELINE, "current"), current | {"rev": len(self.rows) - 1})


def tables() -> dict[str, SimTable]:
    """Return empty tables."""
    return {
        "releases": ReleasesTable("releases", *KEYS["releases"]),
        "models": SimTable("models", *KEYS["models"]),
        "pipelines": SimTable("pipelines", "kind", "pipeline"),
    }


def changed_event(version: str) -> str:
    """Return the event that says that an endpoint is up, or is not."""
    return f"endpoint {version} has changed"


class AskingEndpoints:
    """SageMaker's endpoints, each made of what its version was signed with."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def describe(self, name: str) -> EndpointState | None:
        version = _version(name)

        def look(moment: Moment) -> EndpointState | None:
            status = dict(moment.world.endpoints).get(version)
            return EndpointState(status=status, content=_CONTENT[version]) if status else None

        answer: EndpointState | None = self._asking.ask(f"describe the endpoint of {version}", look)
        return answer

    def create(self, plan: EndpointPlan) -> None:
        version = _version(plan.name)

        def work(moment: Moment) -> None:
            if version not in dict(moment.world.endpoints):
                moment.world = moment.world.with_endpoint(version, "Creating")

        self._asking.ask(f"create the endpoint of {version}", work)

    def delete(self, name: str) -> None:
        version = _version(name)

        def work(moment: Moment) -> None:
            if dict(moment.world.endpoints).get(version) != "Creating":
                moment.world = moment.world.with_endpoint(version, "")

        self._asking.ask(f"delete the endpoint of {version}", work)

    def names(self, _prefix: str) -> set[str]:
        made = self._asking.ask(
            "list the endpoints", lambda moment: tuple(name for name, _ in moment.world.endpoints)
        )
        return {endpoint_name(STAGE, PIPELINE, version) for version in made}


class AskingRuntime:
    """Answers golden rows as training did, but for the versions that are *wrong*."""

    def __init__(self, asking: Asking, wrong: frozenset[str]) -> None:
        self._asking = asking
        self._wrong = wrong

    def invoke(
        self, endpoint: str, records: object, row_count: int, *, within_s: float | None = None
    ) -> list[Answer]:
        version = _version(endpoint)

        def work(moment: Moment) -> None:
            if dict(moment.world.endpoints).get(version) != "InService":
                raise NotFound(f"endpoint {endpoint} is not in service")

        self._asking.ask(f"ask the endpoint of {version} its golden rows", work)
        return [Answer(value=version not in self._wrong)] * row_count


class Signed:
    """Artifacts that are what was signed."""

    def verify(self, _model: ModelVersion) -> None:
        """Nothing was tampered with."""

    def golden(self, _model: ModelVersion) -> bytes:
        return b'{"record": {"distance": 1}, "prediction": {"value": true}}\n'


class AskingTraffic:
    """How the requests of the step on trial went."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def of(self, step: Step) -> Tally:
        def look(moment: Moment) -> str:
            *of, how = moment.world.tally or ("",)
            return how if of == [step.gen, step.step] else ""

        how = self._asking.ask("read how the trial goes", look)
        return {"well": _WELL, "badly": _BADLY}.get(how, Tally())

    def by_step(self, _step: Step) -> dict[int, Tally]:
        return {0: _WELL}


class AskingBus:
    """Hears how releases end."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def announce(self, event: Event, **_: Any) -> None:
        if isinstance(event, ReleaseStarted):
            return
        gen: int = getattr(event, "gen")  # noqa: B009 - of both events that tell an end

        def work(moment: Moment) -> None:
            moment.world = msgspec.structs.replace(moment.world, told=max(moment.world.told, gen))

        self._asking.ask(f"tell the end of generation {gen}", work)


def wired(
    asking: Asking, definition: Rows, wrong: frozenset[str], known: FakeTable | None, *, may_go: bool
) -> Releasing:
    """Return what the workflows are given.

    To read of model versions is no question where they are *known*, nor is it to read the definition unless it *may go*.
    """
    table, models = (AskingTable(asking, name, *keys) for name, keys in KEYS.items())
    pipelines = FakeTable("pipelines", "kind", "pipeline")
    pipelines.put(msgspec.json.decode(definition[0][2]))
    if may_go:
        pipelines = AskingTable(asking, "pipelines", "kind", "pipeline")
    untyped: Any = {
        "artifacts": Signed(),
        "traffic": AskingTraffic(asking),
        "usage": None,
        "bus": AskingBus(asking),
    }
    return Releasing(
        stage=STAGE,
        role_arn="role",
        releases=Releases(table, models),
        models=Models(known or models),
        pipelines=Pipelines(pipelines),
        endpoints=AskingEndpoints(asking),
        runtime=AskingRuntime(asking, wrong),
        clock=CLOCK,
        owner=lambda: asking.name,
        log=logging.getLogger("explorer"),
        **untyped,
    )


def rows_of(approved: tuple[str, ...], *, is_first: bool) -> tuple[Rows, tuple[tuple[str, str], ...]]:
    """Return the rows at the beginning and the endpoints: v1 was live and v2 is, or nothing ever was."""
    versions = approved if is_first else ("v1", "v2", *approved)
    encode = msgspec.json.Encoder(order="sorted").encode
    rows: dict[tuple[str, Key], Any] = {("models", (PIPELINE, name)): MODELS[name] for name in versions}
    if not is_first:
        rows["releases", (PIPELINE, "current")] = _LIVE
        rows |= {("releases", (PIPELINE, entry.entry)): entry for entry in _HISTORY}
    told = tuple(sorted((table, key, encode(to_row(row))) for (table, key), row in rows.items()))
    return told, () if is_first else (("v1", "InService"), ("v2", "InService"))


def known_models(rows: Rows) -> FakeTable:
    """Return the table of model versions as it is in *rows*."""
    table = FakeTable("models", *KEYS["models"])
    for name, _, body in rows:
        if name == "models":
            table.put(msgspec.json.decode(body))
    return table


def _version(name: str) -> str:
    served = served_by(STAGE, name)
    assert served is not None, f"{name} does not begin with {stage_prefix(STAGE)}"
    return served[1]


_CONTENT = {
    version: plan_endpoint(model, Realtime(), stage=STAGE, role_arn="role").content
    for version, model in MODELS.items()
}
_HISTORY = tuple(
    ReleaseEntry(
        pipeline=PIPELINE,
        entry=f"history#{LONG_AGO}#{gen:06d}#00000000",
        gen=gen,
        at=LONG_AGO,
        who="ada",
        why="asked",
        from_version=before,
        to_version=version,
        candidate=version,
        outcome=Outcome.LIVE,
    )
    for gen, before, version in ((1, None, "v1"), (2, "v1", "v2"))
)
_LIVE = CurrentRelease(
    pipeline=PIPELINE,
    live="v2",
    previous="v1",
    previous_until=NOW,
    gen=2,
    rev=2,
    outcome="LIVE",
    created_at=LONG_AGO,
    updated_at=NOW,
)
