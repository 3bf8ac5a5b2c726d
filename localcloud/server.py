"""Run the local cloud in the foreground until it is told to stop.

Stages: take the folder, clear what a killed predecessor left, mend MiniStack, plug in SageMaker,
serve, saving the state whenever calls pause and judging alarms every minute. On SIGTERM or SIGINT:
let asynchronous invocations run out, stop SageMaker, save the state, end the Lambda workers.
"""

import asyncio
import logging
import os
import signal
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import lambda_runtime

from localcloud import mends, snapshots
from localcloud.calls import Calls
from localcloud.cloudwatch.clock import CLOCK
from localcloud.cloudwatch.watch import Watch
from localcloud.front_door import FrontDoor
from localcloud.home import Record
from localcloud.mends import alarms
from localcloud.mends.async_invocations import AsyncInvocations
from localcloud.processes import start_ticks
from localcloud.settings import Settings

_log = logging.getLogger("localcloud")


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. The process environment is already MiniStack's."""
    with settings.home.lock():
        predecessor = settings.home.clear_predecessor()
        if predecessor is not None:
            _log.warning(
                "the server before this one (process %d) was killed: its temporary files are removed, "
                "the state is that of its last snapshot",
                predecessor.pid,
            )
        snapshots.require_patch_points()
        invocations = mends.apply(settings)
        try:
            uvloop.run(_serve(settings, invocations, killed=predecessor.pid if predecessor else None))
        finally:
            lambda_runtime.reset()
            settings.home.record_file.unlink(missing_ok=True)


async def _serve(settings: Settings, invocations: AsyncInvocations, killed: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    calls = Calls()
    watch = Watch(CLOCK, alarms.judge_all)
    door = FrontDoor(ministack_app.app, lambda: _health(invocations), calls, watch.advance)
    # Imported late: SageMaker patches MiniStack's IAM, after the mends have checked what they patch.
    from localcloud.sagemaker import plugin

    sagemaker = plugin.install(images=settings.images, home=settings.home.root, endpoint_url=settings.url)

    def save_ours() -> None:
        sagemaker.save()
        invocations.save()

    async def until_stopped() -> None:
        await stop.wait()
        _log.info("stopping: %d asynchronous invocations to go", invocations.queue.depth)
        # Still serving meanwhile: functions and jobs that run out call back into this cloud.
        await asyncio.to_thread(invocations.drain)
        await asyncio.to_thread(sagemaker.shut_down)
        # MiniStack writes the last state after this: no snapshot of an earlier one may overtake it.
        await opened

    async def open_and_save() -> None:
        await _open(settings, invocations, killed)
        # Not earlier: a snapshot of services that have not loaded yet would overwrite what they are to load.
        await asyncio.gather(snapshots.keep_saving(calls, save_ours, stop), watch.keep(stop))

    opened = asyncio.create_task(open_and_save())
    await serve(door, _config(settings), shutdown_trigger=until_stopped)  # type: ignore[arg-type]
    invocations.keep()


async def _open(settings: Settings, invocations: AsyncInvocations, killed: int | None) -> None:
    """Once the state is loaded and the port answers: say so, and run what the last stop left over."""
    while not await _answers(settings.port):
        await asyncio.sleep(0.01)
    invocations.start()
    _announce(settings, killed)


async def _answers(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _config(settings: Settings) -> Config:
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    return config


def _announce(settings: Settings, killed: int | None) -> None:
    """Write `cloud.json`; from now on the folder has a known server."""
    pid = os.getpid()
    record = Record(
        pid=pid,
        port=settings.port,
        url=settings.url,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        start_ticks=start_ticks(pid) or 0,
        killed_predecessor=killed,
    )
    settings.home.write_record(record)


def _health(invocations: AsyncInvocations) -> dict[str, Any]:
    """Return what `GET /_localcloud/health` answers."""
    return {
        "status": "ok",
        "pid": os.getpid(),
        "ministack": version("ministack"),
        "mends": mends.names(),
        "async_queue_depth": invocations.queue.depth,
        "async_running": invocations.queue.running,
        "faults_made": dict(invocations.faults.made),
        "running_lambdas": lambda_runtime.workers_in_use(),
    }
