"""Several variants, their weights, shadows, and what a serverless variant cannot be (conformance items 10 and 13)."""

from collections import Counter
from typing import Any

import pytest

from tests.integration.sagemaker.harness import Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import ask, configure, model, serve, variant, wait_for_update

SERVERLESS: dict[str, Any] = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://sagemaker-tests/captures",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://sagemaker-tests/async"}}
# With one degree of freedom a fair split goes beyond this once in ten million runs.
ONCE_IN_TEN_MILLION = 28.4


@pytest.fixture(scope="module")
def pair(cloud: Cloud) -> str:
    return serve(cloud, "pair", variant(model(cloud, "one"), 1.0), variant(model(cloud, "three"), 3.0))


def chi_square(cloud: Cloud, endpoint: str, shares: dict[str, float], count: int) -> float:
    """Return how far the answers of so many requests are from these shares."""
    answers = Counter(ask(cloud, endpoint).split()[0] for _ in range(count))
    expected = {name: share * count for name, share in shares.items()}
    assert set(answers) <= set(expected)
    return sum((answers[name] - wanted) ** 2 / wanted for name, wanted in expected.items())


def test_variants_share_the_traffic_by_weight(cloud: Cloud, pair: str) -> None:
    shares = {"one": 0.25, "three": 0.75}
    assert chi_square(cloud, pair, shares, 300) < ONCE_IN_TEN_MILLION


def test_a_target_variant_answers_whatever_the_weights_are(cloud: Cloud, pair: str) -> None:
    assert {ask(cloud, pair, TargetVariant="one") for _ in range(10)} == {"one got x"}
    code, message = refusal(cloud.runtime.invoke_endpoint, EndpointName=pair, Body="x", TargetVariant="five")
    assert (code, message) == (
        "ValidationError",
        "Variant five not found for endpoint pair of account 000000000000.",
    )


def test_weights_change_without_a_new_configuration(cloud: Cloud, pair: str) -> None:
    wanted = [{"VariantName": "one", "DesiredWeight": 1}, {"VariantName": "three", "DesiredWeight": 0}]
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=pair, DesiredWeightsAndCapacities=wanted
    )
    endpoint = wait_for_update(cloud, pair)
    weights = {item["VariantName"]: item["CurrentWeight"] for item in endpoint["ProductionVariants"]}
    assert (weights, endpoint["EndpointConfigName"]) == ({"one": 1, "three": 0}, "pair")
    assert {ask(cloud, pair) for _ in range(20)} == {"one got x"}
    code, message = refusal(
        cloud.sagemaker.update_endpoint_weights_and_capacities,
        EndpointName=pair,
        DesiredWeightsAndCapacities=[{"VariantName": "five", "DesiredWeight": 1}],
    )
    assert code == "ValidationException"
    assert message == ('The variant name(s) "five" is/are not present within endpoint configuration "pair".')
    assert cloud.sagemaker.describe_endpoint(EndpointName=pair)["EndpointStatus"] == "InService"


def test_a_shadow_gets_a_copy_of_every_request_and_nobody_gets_its_answer(cloud: Cloud) -> None:
    shadows = [variant(model(cloud, "shadow"))]
    serve(cloud, "shadowed", variant(model(cloud, "light")), ShadowProductionVariants=shadows)
    endpoint = cloud.sagemaker.describe_endpoint(EndpointName="shadowed")
    assert [item["VariantName"] for item in endpoint["ShadowProductionVariants"]] == ["shadow"]
    assert {ask(cloud, "shadowed", f"copy-{number}") for number in range(5)} == {
        f"light got copy-{number}" for number in range(5)
    }
    assert refusal(cloud.runtime.invoke_endpoint, EndpointName="shadowed", Body="fail")[0] == "ModelError"
    wanted = {f"shadow got {text}" for text in ("copy-0", "copy-1", "copy-2", "copy-3", "copy-4", "fail")}
    # What fails in a shadow is in its log and nowhere else.
    wait_for(
        lambda: wanted <= set(cloud.log_lines("/aws/sagemaker/Endpoints/shadowed", "shadow/")),
        10,
        "the shadow has had every request",
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"DataCaptureConfig": CAPTURE}, "data capture"),
        ({"AsyncInferenceConfig": ASYNC}, "asynchronous inference"),
        ({"ShadowProductionVariants": [variant("serverless-2")]}, "shadow variants"),
        ({"second": variant("serverless-2", **SERVERLESS)}, "multiple production variants"),
    ],
)
def test_a_serverless_endpoint_refuses_what_it_cannot_have(
    cloud: Cloud, serverless_models: None, more: dict[str, Any], words: str
) -> None:
    variants = [variant("serverless-1", **SERVERLESS)]
    variants += [more.pop("second")] if "second" in more else []
    request = {"EndpointConfigName": "refused", "ProductionVariants": variants} | more
    code, message = refusal(cloud.sagemaker.create_endpoint_config, **request)
    assert (code, message) == ("ValidationException", f"Serverless Inference does not support {words}.")


@pytest.fixture(scope="module")
def serverless_models(cloud: Cloud) -> None:
    for name in ("serverless-1", "serverless-2"):
        model(cloud, name)


def test_provisioned_concurrency_stays_within_the_concurrency(cloud: Cloud, serverless_models: None) -> None:
    config = SERVERLESS["ServerlessConfig"] | {"ProvisionedConcurrency": 6}
    code, message = refusal(
        lambda: configure(cloud, "provisioned", variant("serverless-1", ServerlessConfig=config))
    )
    assert code == "ValidationException"
    assert message == "ProvisionedConcurrency must be less than or equal to MaxConcurrency."


def test_one_shadow_stands_beside_one_variant_under_another_name(
    cloud: Cloud, serverless_models: None
) -> None:
    pair = [variant("serverless-1"), variant("serverless-2")]
    request = {"EndpointConfigName": "crowd", "ProductionVariants": pair}
    code, message = refusal(
        cloud.sagemaker.create_endpoint_config,
        **request,
        ShadowProductionVariants=[variant("serverless-2", VariantName="third")],
    )
    assert (code, "exactly one ProductionVariant" in message) == ("ValidationException", True)
    twice = refusal(
        cloud.sagemaker.create_endpoint_config,
        EndpointConfigName="crowd",
        ProductionVariants=[pair[0]],
        ShadowProductionVariants=[pair[0]],
    )
    assert twice[1] == "Duplicate production variant names: serverless-1, serverless-1."


def test_the_concurrency_of_a_serverless_variant_changes_without_a_new_configuration(
    cloud: Cloud, serverless_models: None
) -> None:
    serve(cloud, "elastic", variant("serverless-1", **SERVERLESS))
    call = cloud.sagemaker.update_endpoint_weights_and_capacities

    def change(endpoint: str, name: str, **wanted: int) -> Any:
        wish = {"VariantName": name, "ServerlessUpdateConfig": wanted}
        return lambda: call(EndpointName=endpoint, DesiredWeightsAndCapacities=[wish])

    change("elastic", "serverless-1", MaxConcurrency=2)()
    (shown,) = wait_for_update(cloud, "elastic")["ProductionVariants"]
    assert shown["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    beyond = refusal(change("elastic", "serverless-1", ProvisionedConcurrency=3))
    assert beyond[1] == "ProvisionedConcurrency must be less than or equal to MaxConcurrency."
    serve(cloud, "rigid", variant("serverless-1"))
    assert refusal(change("rigid", "serverless-1", MaxConcurrency=2))[1] == (
        "Variant serverless-1 is not serverless."
    )
    assert cloud.sagemaker.describe_endpoint(EndpointName="rigid")["EndpointStatus"] == "InService"
