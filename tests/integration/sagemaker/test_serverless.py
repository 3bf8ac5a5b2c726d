"""A serverless variant that nobody asks has no container; who asks waits for one, and nothing else tells the difference."""

import threading
from collections.abc import Iterator

import pytest

from tests.integration.sagemaker.harness import Cloud, Server, new_cloud, wait_for
from tests.integration.sagemaker.hosting import ask, model, model_error, serve, variant
from tests.integration.sagemaker.test_processes import processes_of

SIZES = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Cloud]]:
    """A server whose serverless variants sleep after a second without a request, and of which one may be awake."""
    server = Server(
        tmp_path_factory.mktemp("serverless"),
        LOCALCLOUD_SAGEMAKER_SERVERLESS_IDLE_S="1",
        LOCALCLOUD_SAGEMAKER_SERVERLESS_AWAKE="1",
    )
    yield server, new_cloud(server.url)
    server.stop()


def containers(server: Server, endpoint: str) -> list[str]:
    """Return the processes of an endpoint's container."""
    return [line for line in processes_of(server.home) if f"/endpoints/{endpoint}-" in line]


def serve_serverless(cloud: Cloud, name: str) -> str:
    """Serve a model that says its name, without instances."""
    return serve(cloud, name, variant(model(cloud, name), ServerlessConfig=SIZES))


def wait_for_sleep(server: Server, endpoint: str) -> None:
    wait_for(lambda: not containers(server, endpoint), 20, f"{endpoint} sleeps")


def test_it_sleeps_when_nobody_asks_and_wakes_for_the_next_request(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    serve_serverless(cloud, "rare")
    serve(cloud, "always", variant(model(cloud, "always")))
    wait_for_sleep(server, "rare")
    # Instances are paid for by the hour and are there.
    assert containers(server, "always")
    assert cloud.sagemaker.describe_endpoint(EndpointName="rare")["EndpointStatus"] == "InService"
    assert ask(cloud, "rare") == "rare got x"
    assert containers(server, "rare")
    measured = cloud.client("cloudwatch").list_metrics(
        Namespace="AWS/SageMaker", MetricName="ModelSetupTime"
    )["Metrics"]
    assert [one["Dimensions"][0]["Value"] for one in measured] == ["rare"]
    wait_for_sleep(server, "rare")
    assert "rare got x" in cloud.log_lines("/aws/sagemaker/Endpoints/rare")


def test_of_more_than_may_be_awake_the_one_asked_longest_ago_sleeps(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    serve_serverless(cloud, "first")
    assert ask(cloud, "first") == "first got x"
    serve_serverless(cloud, "second")
    wait_for_sleep(server, "first")
    assert ask(cloud, "first") == "first got x"


def test_one_that_answers_stays_until_it_has(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    serve_serverless(cloud, "slow")
    answers: list[str] = []
    asking = [threading.Thread(target=lambda: answers.append(ask(cloud, "slow", "slow"))) for _ in range(2)]
    for one in asking:
        one.start()
    serve_serverless(cloud, "other")
    for one in asking:
        one.join()
    assert answers == ["slow got slow"] * 2
    wait_for_sleep(server, "slow")


def test_one_that_does_not_come_up_again_is_an_error_of_the_model_and_tried_again(
    own: tuple[Server, Cloud],
) -> None:
    server, cloud = own
    serve_serverless(cloud, "fragile")
    wait_for_sleep(server, "fragile")
    (script,) = server.home.glob("**/endpoints/fragile-*/ml/model/code/inference.py")
    whole = script.read_text(encoding="utf-8")
    script.write_text("raise ValueError('broken meanwhile')", encoding="utf-8")
    error = model_error(cloud, "fragile")
    assert error["Error"]["Code"] == "ModelError"
    assert "did not pass the ping health check" in error["OriginalMessage"]
    assert not containers(server, "fragile")
    script.write_text(whole, encoding="utf-8")
    assert ask(cloud, "fragile") == "fragile got x"


def test_after_a_restart_it_is_in_service_and_asleep(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    serve_serverless(cloud, "back")
    serve(cloud, "instance", variant(model(cloud, "instance")))
    server.stop()
    server.start()
    wait_for(lambda: containers(server, "instance"), 30, "the instance is back")
    assert ask(cloud, "instance") == "instance got x"
    assert not containers(server, "back")
    assert ask(cloud, "back") == "back got x"


def test_a_deleted_one_is_gone_asleep_or_awake(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    for name in ("awake", "asleep"):
        serve_serverless(cloud, name)
        if name == "asleep":
            wait_for_sleep(server, name)
        cloud.sagemaker.delete_endpoint(EndpointName=name)
        wait_for(lambda: not list(server.home.glob("**/endpoints/*")), 10, "no folder is left")
        assert not containers(server, name)
