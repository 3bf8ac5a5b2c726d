"""UpdateEndpoint: without a failed request, and without a broken model (conformance item 11)."""

import pytest

from tests.conformance.updating import Load, update
from tests.integration.sagemaker.harness import Cloud, Server, new_cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import ask, configure, model, serve, variant, wait_for_update


def test_an_update_under_load_loses_no_request_and_ends_with_the_new_model(
    cloud: Cloud, updated: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    with Load(cloud, updated) as load:
        wait_for(lambda: "old" in load.answers, 10, "the old model answers")
        update(cloud, updated, "new-config")
        endpoint = wait_for_update(cloud, updated)
        wait_for(lambda: "new" in load.answers, 10, "the new model answers")
    assert load.errors == []
    assert set(load.answers) == {"old", "new"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "new-config")
    assert "PendingDeploymentSummary" not in endpoint
    assert {ask(cloud, updated) for _ in range(5)} == {"new got x"}


def test_a_new_model_that_cannot_load_keeps_the_old_one_and_the_reason_until_the_next_update(
    cloud: Cloud, updated: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    with Load(cloud, updated) as load:
        update(cloud, updated, "broken-config")
        begun = cloud.sagemaker.describe_endpoint(EndpointName=updated)
        endpoint = wait_for_update(cloud, updated)
    assert begun["EndpointStatus"] == "Updating"
    assert load.errors == []
    assert set(load.answers) == {"old"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "updated")
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    update(cloud, updated, "new-config")
    assert "FailureReason" not in wait_for_update(cloud, updated)


def test_an_endpoint_that_is_changing_takes_no_other_change(cloud: Cloud, updated: str) -> None:
    update(cloud, updated, "new-config")
    in_progress = (
        "ValidationException",
        f'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/{updated}".',
    )
    assert refusal(lambda: update(cloud, updated, "updated")) == in_progress
    assert refusal(cloud.sagemaker.delete_endpoint, EndpointName=updated) == in_progress
    assert wait_for_update(cloud, updated)["EndpointStatus"] == "InService"


def test_an_update_can_keep_the_weights_that_were_set_since(cloud: Cloud) -> None:
    for name in ("kept-a", "kept-b"):
        model(cloud, name)
    serve(cloud, "kept", variant("kept-a"), variant("kept-b"))
    configure(cloud, "kept-2", variant("kept-a"), variant("kept-b"))
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="kept", DesiredWeightsAndCapacities=[{"VariantName": "kept-a", "DesiredWeight": 7}]
    )
    wait_for_update(cloud, "kept")
    update(cloud, "kept", "kept-2", RetainAllVariantProperties=True)
    variants = wait_for_update(cloud, "kept")["ProductionVariants"]
    assert [item["CurrentWeight"] for item in variants] == [7, 1]


def test_a_server_that_ends_in_an_update_comes_back_with_what_was_in_service(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = Server(tmp_path_factory.mktemp("ended"))
    cloud = new_cloud(server.url)
    serve(cloud, "ended", variant(model(cloud, "before")))
    cloud.create_model("never", "import time\ndef model_fn(folder): time.sleep(600)")
    configure(cloud, "never", variant("never"))
    update(cloud, "ended", "never")
    assert cloud.sagemaker.describe_endpoint(EndpointName="ended")["EndpointStatus"] == "Updating"
    assert ask(cloud, "ended") == "before got x"
    server.stop()
    server.start()
    try:
        endpoint = wait_for_update(cloud, "ended")
        assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "ended")
        assert "PendingDeploymentSummary" not in endpoint
        assert ask(cloud, "ended") == "before got x"
    finally:
        server.stop()
