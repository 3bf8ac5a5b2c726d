"""A day of a local cloud in some minutes: work that comes and goes leaves no process, no file, hardly any memory.

A round is an hour: a training job, an endpoint with its requests, runs of a function and objects that come and go, and an hour
of metrics and alarms that is skipped.
"""

import json
from collections.abc import Callable, Iterator

import msgspec
import pytest
from botocore.exceptions import ClientError

from benchmarks.held import by_kind, held_by
from tests.integration.localcloud.cloud import Cloud, cloud_in, make_function, wait_for
from tests.integration.localcloud.test_watching import advance
from tests.integration.sagemaker.harness import BUCKET, new_cloud

WARM_ROUNDS = 2
# Metrics by the minute and the last lines of logs are kept: about 1. Somebody who forgets a client of boto3 keeps 7.
MOST_MB_A_ROUND = 3.0
WORKS = "def handler(event, context):\n    print('x' * 100)\n    return 1 / event.get('by', 1)"
MODEL = (
    "def model_fn(folder): return 0\ndef transform_fn(m, body, c, a): return str(1 / len(body)), 'text/plain'"
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the server and all it has started hold."""

    processes: dict[str, int]
    open_files: int
    leftovers: set[str]
    server_mb: float


class Rounds:
    """A cloud, and the same work on it again and again."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._sagemaker = cloud, new_cloud(cloud.url)
        self._function = make_function(cloud, WORKS)
        # One of each: a client that is forgotten keeps its connection until somebody collects the garbage.
        self._lambdas, self._s3 = cloud.client("lambda"), cloud.client("s3")
        self._number = 0

    def do(self) -> None:
        """Train, serve, run functions, keep objects for a while, and live an hour of metrics."""
        self._number += 1
        self._train(f"job-{self._number}")
        self._serve(f"endpoint-{self._number}")
        for by in (1, 1, 0) * 20:
            self._lambdas.invoke(FunctionName=self._function, Payload=json.dumps({"by": by}))[
                "Payload"
            ].read()
        for number in range(20):
            self._s3.put_object(Bucket=BUCKET, Key=f"passing/{number}", Body=b"x" * 10_000)
            self._s3.delete_object(Bucket=BUCKET, Key=f"passing/{number}")
        advance(self._cloud, 3600)

    def look(self) -> Look:
        """Return what is held once nothing is under way."""
        held = held_by(self._cloud.running.pid)
        (server,) = [one for one in held if one.pid == self._cloud.running.pid]
        home = self._cloud.home
        return Look(
            processes=dict(by_kind(held)),
            open_files=server.files,
            leftovers={str(path) for where in ("tmp", "sagemaker") for path in (home / where).rglob("*")},
            server_mb=server.pss_mb,
        )

    def _train(self, name: str) -> None:
        self._sagemaker.train(name, "print('trained')")
        assert self._sagemaker.wait_for_job(name)["TrainingJobStatus"] == "Completed"
        self._sagemaker.sagemaker.delete_training_job(TrainingJobName=name)

    def _serve(self, name: str) -> None:
        cloud = self._sagemaker
        cloud.deploy(name, MODEL)
        assert cloud.wait_for_endpoint(name)["EndpointStatus"] == "InService"
        for body in (b"x", b"") * 10:
            try:
                cloud.runtime.invoke_endpoint(EndpointName=name, Body=body)
            except ClientError:
                assert body == b""
        cloud.sagemaker.delete_endpoint(EndpointName=name)
        wait_for(lambda: not cloud.sagemaker.list_endpoints()["Endpoints"], 30)
        cloud.sagemaker.delete_endpoint_config(EndpointConfigName=name)
        cloud.sagemaker.delete_model(ModelName=name)


@pytest.fixture
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    """The work, on a cloud that nobody else uses."""
    with cloud_in(tmp_path_factory.mktemp("soaked")) as cloud:
        yield Rounds(cloud)


def grown(rounds: Rounds, count: int) -> tuple[Look, Look, float]:
    """Return what was held before and after so many rounds, and how many megabytes the server grew in each."""
    for _ in range(WARM_ROUNDS):
        rounds.do()
    before = rounds.look()
    for _ in range(count):
        rounds.do()
    after = rounds.look()
    return before, after, (after.server_mb - before.server_mb) / count


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [4, 24])
def test_work_that_comes_and_goes_leaves_nothing_behind(
    rounds: Rounds, figure: Callable[[str, object], None], count: int
) -> None:
    before, after, mb_a_round = grown(rounds, count)
    assert after.processes == before.processes
    assert after.leftovers == before.leftovers
    assert mb_a_round < MOST_MB_A_ROUND
    # A connection that its client has closed is closed here when it would have timed out, after 75 s.
    wait_for(lambda: rounds.look().open_files <= before.open_files, within_s=120)
    figure(
        f"{count} hours of a local cloud: more processes, files, MB of memory an hour",
        f"0, 0, {mb_a_round:.1f}",
    )
