"""What services made of the events of a release: told again to the code of now, the rows must be the same.

A corpus is a recorded story: the steps in their order, each an event as it was on the bus or a move of the world
(a dataset that is there, a SageMaker job that completes), and the rows in the end. Later code may know more
fields, never other values for those that were recorded.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.inference.workflow import requests, rollout
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.workflow import handle_job_change
from chalicelib.training.workflow import triggers

from shared.events import EVENTS, Event
from tests.fakes import FakeBus, FakeTable
from tests.unit.inference.fakes import Stage
from tests.unit.ingest.world import World as Uploads
from tests.unit.training.world import World

Step = dict[str, Any]
# They differ by how often a row is written and by the archives that the fakes make anew, not by what is true.
UNTOLD = frozenset({"rev", "created_at", "updated_at", "owner", "lease_until"})
UNTOLD |= {"artifact_sha256", "manifest_sha256", "manifest_signature", "entry"}
# What is larger than this, of a recorded upload, is read by a processing job.
SMALL_BYTES = 10_000
_EVENTS = {event.__name__: event for event in EVENTS}


class Corpus(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded story; ``release`` is the version whose code recorded it."""

    release: str
    service: str
    steps: tuple[Step, ...]
    rows: dict[str, dict[str, Any]]


def event_of(step: Step) -> Any:
    """Return an event as the code of now reads it."""
    return _EVENTS[step["detail-type"]].from_detail(step["detail"])


def play_ingest(steps: tuple[Step, ...]) -> dict[str, dict[str, Any]]:
    """Tell the steps to an ingest service with nothing, and return its rows."""
    world = Uploads()
    world.limits = Limits(max_bytes=SMALL_BYTES, hard_max_bytes=1 << 40)
    moves: dict[str, Callable[[Step], object]] = {
        "definition": lambda step: world.define(step["name"], **step["definition"]),
        "object": lambda step: world.incoming.write(step["key"], step["body"].encode()),
        "job": lambda step: world.jobs.run(step["name"]),
        "Object Created": lambda step: world.handle_as("event", Upload.of_event(step["detail"])),
        "SageMaker Processing Job State Change": lambda step: handle_job_change(
            step["detail"]["ProcessingJobName"], "event", world.adapters()
        ),
    }
    _play(steps, moves)
    return rows_of(datasets=world.datasets)


def play_training(steps: tuple[Step, ...]) -> dict[str, dict[str, Any]]:
    """Tell the steps to a training service with nothing, and return its rows."""
    world = World()
    moves: dict[str, Callable[[Step], object]] = {
        "dataset": lambda step: world.dataset(step["ordinal"]),
        "live": lambda step: world.go_live(step["version"]),
        "completed": lambda step: world.complete(_job(world, step)),
        "failed": lambda step: world.sagemaker.move(
            world.name(_job(world, step)), "Failed", reason=step["reason"]
        ),
        "minute": lambda _: world.tick(),
        "DatasetVersionReady": lambda step: triggers.on_dataset_version_ready(world.ports, event_of(step)),
        "SageMaker Training Job State Change": lambda step: triggers.on_training_job_state_change(
            world.ports, step["detail"]["TrainingJobName"]
        ),
    }
    _play(steps, moves)
    return rows_of(jobs=world.jobs_table, models=world.models_table)


def play_inference(steps: tuple[Step, ...]) -> dict[str, dict[str, Any]]:
    """Tell the steps to an inference service with nothing, and return its rows."""
    stage = Stage()
    moves: dict[str, Callable[[Step], object]] = {
        "model": lambda step: stage.add_model(step["version"], step["champion"]),
        "endpoint": lambda step: stage.endpoints.finish(step["name"], step["status"]),
        "ModelVersionApproved": lambda step: requests.on_model_approved(stage.adapters, event_of(step)),
        "SageMaker Endpoint State Change": lambda step: rollout.on_endpoint_changed(
            stage.adapters, step["detail"]["EndpointName"]
        ),
    }
    _play(steps, moves)
    return rows_of(releases=stage.releases)


PLAYERS = {"ingest": play_ingest, "training": play_training, "inference": play_inference}


def rows_of(**tables: FakeTable) -> dict[str, dict[str, Any]]:
    """Return the rows as JSON has them, by table and key; entries of a history by their place in it."""
    found: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        for key, row in sorted(table.rows.items()):
            # Their keys hold the row's revision, which counts the writes.
            told = [part for part in map(str, key) if not part.startswith("history#")]
            place = "/".join([name, *told])
            if len(told) < len(key):
                place += f"/history {sum(known.startswith(f'{place}/history') for known in found)}"
            found[place] = json.loads(json.dumps(row, default=str))
    return found


def differences(recorded: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[str]:
    """Return where the rows of now say otherwise than the recorded ones, or are not there, or are too many."""
    found = [f"{key}: is not there any more" for key in sorted(recorded.keys() - now.keys())]
    found += [f"{key}: was not there" for key in sorted(now.keys() - recorded.keys())]
    for key in sorted(recorded.keys() & now.keys()):
        for name, value in recorded[key].items():
            if name not in UNTOLD and now[key].get(name) != value:
                found.append(f"{key}.{name}: {value!r} is {now[key].get(name)!r}")
    return found


def entries_of(bus: FakeBus) -> list[Step]:
    """Return what a service announced, as steps for those that hear it."""
    return [
        {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])} for entry in bus.entries
    ]


def announced(event: Event, **identity: str) -> Step:
    """Return an event as its service puts it on the bus."""
    bus = FakeBus()
    bus.announce(event, **identity)
    (step,) = entries_of(bus)
    return step


def _job(world: World, step: Step) -> Any:
    return next(job for job in world.jobs() if job.dataset_version == step["of"])


def _play(steps: tuple[Step, ...], moves: dict[str, Callable[[Step], object]]) -> None:
    for step in steps:
        moves[step.get("detail-type") or step["move"]](step)
