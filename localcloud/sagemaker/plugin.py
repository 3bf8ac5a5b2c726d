"""Plug the local SageMaker into MiniStack, in its own process.

Stages: assert the patch points; find out what this machine can do; restore the last state; register
handler and IAM map; in the background, once the server answers, bring back what was running.
"""

import logging
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from localcloud.errors import PatchPointMissing
from localcloud.sagemaker import iam
from localcloud.sagemaker.api import Api, operations
from localcloud.sagemaker.async_inference import AsyncInference
from localcloud.sagemaker.container import Containers
from localcloud.sagemaker.endpoints import Endpoints
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.fleets import Fleets
from localcloud.sagemaker.hosting import Hosting
from localcloud.sagemaker.jobs.operations import Jobs
from localcloud.sagemaker.jobs.processing import PROCESSING
from localcloud.sagemaker.jobs.training import TRAINING
from localcloud.sagemaker.jobs.transform import TRANSFORM
from localcloud.sagemaker.runtime import Runtime
from localcloud.sagemaker.serverless import Serverless
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Store
from localcloud.sagemaker.tagging import Tagging

# Far more than the 2 s it takes: on a busy machine only patience is needed.
_READY_TIMEOUT_S = 120
logger = logging.getLogger(__name__)


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What the server does with SageMaker: `save` at any time, `shut_down` once, at a graceful stop.

    `shut_down` ends every process and saves too.
    """

    save: Callable[[], None]
    shut_down: Callable[[], None]


def install(*, images: Path, home: Path, endpoint_url: str) -> Installed:
    """Make MiniStack answer for SageMaker; call before its server starts, in its process.

    Parameters
    ----------
    images
        Folder of environments, one per image: `sagemaker-scikit-learn-1.9-0/bin/python`.
    home
        Folder for `sagemaker/`: state and the work folders of jobs and endpoints.
    endpoint_url
        Where that server will answer; jobs reach S3, STS and CloudWatch Logs there.

    Raises
    ------
    PatchPointMissing
        MiniStack is not the version this was written for.
    """
    settings = Settings.from_env(images=images, home=home, endpoint_url=endpoint_url)
    _assert_patch_points()
    _clear(settings.work)
    containers = Containers(
        settings.work, use_namespaces=settings.use_namespaces, is_warm=settings.warm_interpreters
    )
    store = Store(settings.work / "state.json")
    store.load()
    faults = Faults(settings.faults)
    jobs = [
        Jobs(store, settings, job_type, faults=faults, containers=containers)
        for job_type in (TRAINING, PROCESSING, TRANSFORM)
    ]
    fleets = Fleets()
    serverless = Serverless(most=settings.serverless_awake, idle_s=settings.serverless_idle_s)
    endpoints = Endpoints(store, settings, fleets, faults, containers=containers, serverless=serverless)
    runtime = Runtime(store, fleets, settings, faults)
    api = Api(
        operations(store, jobs, Hosting(store), endpoints),
        runtime,
        AsyncInference(runtime, settings),
        iam.denied_also,
        faults,
    )
    _register(api, Tagging(store))
    endpoints.announce_restart()
    _resume_when_ready(settings.endpoint_url, jobs, endpoints)

    def _shut_down() -> None:
        # First no new work, then no processes, and only then the state: it must not change any more.
        api.close()
        for kind in jobs:
            kind.shut_down()
        serverless.close()
        fleets.shut_down()
        containers.close()
        store.save()

    return Installed(save=store.save, shut_down=_shut_down)


def _clear(work: Path) -> None:
    """Remove what a killed server left: its processes are gone, so nothing uses these folders."""
    work.mkdir(parents=True, exist_ok=True)
    for leftover in ("jobs", "endpoints", "warm"):
        shutil.rmtree(work / leftover, ignore_errors=True)


def _register(api: Api, tags: Tagging) -> None:
    from ministack import app
    from ministack.services import tagging

    iam.patch_actions()
    app.SERVICE_HANDLERS["sagemaker"] = api.handle
    tagging._COLLECTORS["sagemaker"] = tags.collect


def _resume_when_ready(url: str, jobs: Sequence[Jobs], endpoints: Endpoints) -> None:
    """Events need the rules and models need S3, and both are there only once the server answers."""

    def _resume() -> None:
        if _wait_until_ready(url):
            for kind in jobs:
                kind.fail_interrupted()
            endpoints.restart()

    threading.Thread(target=_resume, name="sagemaker-resume", daemon=True).start()


def _wait_until_ready(url: str) -> bool:
    # A proxy of the developer's must not see, or break, a call to this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            opener.open(f"{url}/_ministack/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return True
    logger.error("no server answers at %s: the local SageMaker brings nothing back", url)
    return False


def _assert_patch_points() -> None:
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator, responses
    from ministack.services import cloudwatch, eventbridge, sts, tagging
    from ministack.services import iam as iam_service

    points: list[tuple[Any, str]] = [
        (app, "SERVICE_HANDLERS"),
        (app, "_MAIN_LOOP"),
        (app, "AUTH"),
        (iam_actions, "SERVICE_TO_IAM_NAMESPACE"),
        (iam_actions, "_DENIED_CODES"),
        (iam_actions, "extract_iam_action"),
        (iam_actions, "extract_resource_arn"),
        (iam_actions, "access_denied_response"),
        (iam_evaluator, "enforce"),
        (iam_evaluator, "evaluate_trust_policy"),
        (iam_evaluator, "EvalContext"),
        (iam_evaluator, "caller_arn"),
        (responses, "request_scope"),
        (eventbridge, "_dispatch_event"),
        (eventbridge, "_archive_event"),
        (eventbridge, "_pattern_event_view"),
        (cloudwatch, "record_metric"),
        (iam_service, "_roles"),
        (sts, "register_session"),
        (sts, "_sessions"),
        (tagging, "_COLLECTORS"),
    ]
    for module, name in points:
        if not hasattr(module, name):
            raise PatchPointMissing("sagemaker", f"{module.__name__}.{name}", _ministack_version())


def _ministack_version() -> str:
    from importlib.metadata import version

    return version("ministack")
