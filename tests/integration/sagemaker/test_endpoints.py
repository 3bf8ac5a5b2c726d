"""Models, endpoint configurations, endpoints and InvokeEndpoint (conformance items 9, 13, 16)."""

import contextlib
import json
import os
import threading

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import IMAGE, Cloud, wait_for

TRIPLE = """
import os
def model_fn(folder): return int(open(os.path.join(folder, "factor.txt")).read())
def input_fn(body, content_type): return float(body)
def predict_fn(number, factor): return number * factor
"""


@pytest.fixture(scope="module")
def triple(cloud: Cloud) -> str:
    cloud.deploy("triple", TRIPLE, {"factor.txt": "3"})
    assert cloud.wait_for_endpoint("triple")["EndpointStatus"] == "InService"
    return "triple"


def invoke(cloud: Cloud, name: str, body: bytes | str, **options):
    return cloud.runtime.invoke_endpoint(EndpointName=name, Body=body, **options)


def test_an_endpoint_becomes_in_service_for_botos_own_waiter_and_describes_its_variant(cloud, triple):
    cloud.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=triple, WaiterConfig={"Delay": 1})
    endpoint = cloud.sagemaker.describe_endpoint(EndpointName=triple)
    (variant,) = endpoint["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentWeight"], variant["CurrentInstanceCount"]) == (
        "AllTraffic",
        1,
        1,
    )
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE


def test_an_invocation_runs_the_models_own_functions(cloud, triple):
    reply = invoke(cloud, triple, "4", ContentType="application/json")
    assert reply["Body"].read() == b"12.0"
    assert reply["ContentType"] == "application/json"
    assert reply["InvokedProductionVariant"] == "AllTraffic"


def test_an_exception_in_the_model_is_a_model_error_with_the_original_answer(cloud, triple):
    with pytest.raises(ClientError) as error:
        invoke(cloud, triple, "not a number")
    response = error.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert "<h1>Internal Server Error</h1>" in response["OriginalMessage"]
    assert ":log-group:/aws/sagemaker/Endpoints/triple" in response["LogStreamArn"]
    assert response["Error"]["Message"].startswith('Received server error (500) from primary with message "')


def test_the_log_of_an_endpoint_tells_what_went_wrong(cloud, triple):
    with pytest.raises(ClientError):
        invoke(cloud, triple, "needle-in-the-log")

    def is_logged() -> bool:
        return any("needle-in-the-log" in line for line in cloud.log_lines("/aws/sagemaker/Endpoints/triple"))

    wait_for(is_logged, 10, "the traceback is in CloudWatch Logs")


def test_an_unknown_endpoint_is_a_validation_error_of_the_runtime(cloud):
    with pytest.raises(ClientError) as error:
        invoke(cloud, "nobody", "1")
    assert error.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint nobody of account 000000000000 not found.",
    }


def test_what_an_endpoint_of_one_plain_model_cannot_be_asked_is_refused(cloud, triple):
    def words(**member):
        with pytest.raises(ClientError) as error:
            invoke(cloud, triple, "4", **member)
        assert error.value.response["Error"]["Code"] == "ValidationError"
        return error.value.response["Error"]["Message"]

    assert words(TargetModel="a.tar.gz") == (
        f"Endpoint {triple} is not a multi-model endpoint and does not support target model header."
    )
    assert "EnableExplanations: there is no explainer" in words(EnableExplanations="`true`")
    assert invoke(cloud, triple, "4", PrefixAwareId="one")["Body"].read() == b"12.0"


def test_a_body_over_6291456_bytes_is_refused_and_one_of_exactly_that_is_not(cloud):
    cloud.deploy(
        "size",
        "def model_fn(f): return 0\ndef transform_fn(m, body, c, a): return str(len(body)), 'text/plain'",
    )
    cloud.wait_for_endpoint("size")
    assert (
        invoke(cloud, "size", b"x" * 6291456, ContentType="application/octet-stream")["Body"].read()
        == b"6291456"
    )
    with pytest.raises(ClientError, match=r"\(413\).*HTTP content length exceeded 6291456 bytes"):
        invoke(cloud, "size", b"x" * 6291457)


def test_a_serverless_endpoint_takes_4_mb_and_throttles_above_its_concurrency(cloud):
    script = (
        "import time\ndef model_fn(f): return 0\n"
        "def transform_fn(m, body, c, a):\n    time.sleep(1.5 if body == b'slow' else 0)\n    return 'done', 'text/plain'"
    )
    cloud.deploy("lambda-like", script, ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 1})
    endpoint = cloud.wait_for_endpoint("lambda-like")
    serverless = endpoint["ProductionVariants"][0]["CurrentServerlessConfig"]
    assert serverless == {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match="has oversize body"):
        invoke(cloud, "lambda-like", b"x" * (4 * 1024 * 1024 + 1))
    options = {"ContentType": "application/octet-stream"}

    def is_throttled(body: bytes) -> bool:
        try:
            invoke(cloud, "lambda-like", body, **options)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "ThrottlingException")
        return False

    # Either may be the one that is throttled; the slow one is sent until it was let in.
    slow = threading.Thread(
        target=wait_for, args=(lambda: not is_throttled(b"slow"), 10, "the slow request is done")
    )
    slow.start()
    wait_for(lambda: is_throttled(b"fast"), 10, "a second request is throttled")
    slow.join()
    assert invoke(cloud, "lambda-like", b"fast", **options)["Body"].read() == b"done"


MOODY = """
import os, signal, socket, time
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    if body == b"hang": time.sleep(60)
    if body == b"die": os.kill(os.getppid(), signal.SIGQUIT)
    if body == b"look": return repr([n for n in os.environ if n.startswith("AWS_") and "REGION" not in n]), "text/plain"
    if body == b"call": socket.create_connection(("127.0.0.1", PORT), 2)
    return "alive", "text/plain"
"""


@pytest.fixture(scope="module")
def moody(cloud: Cloud) -> str:
    script = MOODY.replace("PORT", cloud.url.rpartition(":")[2])
    cloud.create_model("moody", script, EnableNetworkIsolation=True)
    variants = [
        {"VariantName": "A", "ModelName": "moody", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    ]
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="moody", ProductionVariants=variants)
    cloud.sagemaker.create_endpoint(EndpointName="moody", EndpointConfigName="moody")
    assert cloud.wait_for_endpoint("moody")["EndpointStatus"] == "InService"
    return "moody"


def say(cloud: Cloud, word: bytes) -> str:
    reply = invoke(cloud, "moody", word, ContentType="application/octet-stream")
    return str(reply["Body"].read().decode())


def test_an_isolated_model_has_neither_credentials_nor_network(cloud, moody):
    assert say(cloud, b"look") == "[]"
    with pytest.raises(ClientError) as error:
        say(cloud, b"call")
    assert error.value.response["OriginalStatusCode"] == 500


def test_a_container_that_ends_is_started_again(cloud, moody):
    def is_back() -> bool:
        try:
            return say(cloud, b"hello") == "alive"
        except ClientError:
            return False

    def is_told() -> bool:
        lines = cloud.log_lines("/aws/sagemaker/Endpoints/moody")
        return sum("Starting gunicorn" in line for line in lines) >= 2

    # At once, not after the half minute that gunicorn leaves to open connections; this one's may break.
    with contextlib.suppress(ClientError):
        say(cloud, b"die")
    wait_for(is_told, 60, "the server has started a second time")
    wait_for(is_back, 60, "the model answers again")


@pytest.mark.skipif("SAGEMAKER_TEST_URL" in os.environ, reason="that server waits AWS's 60 s")
def test_a_model_that_takes_too_long_is_a_model_error_without_an_answer(cloud, moody):
    with pytest.raises(ClientError) as error:
        say(cloud, b"hang")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 0
    assert error.value.response["OriginalMessage"].startswith("Your invocation timed out while waiting")


CSV = """
class Model:
    def predict(self, rows):
        if rows.ndim != 2:
            raise ValueError(f"Expected 2D array, got {rows.ndim}D array instead")
        return rows.sum(axis=1)
def model_fn(folder): return Model()
"""


def test_the_images_default_functions_take_several_csv_rows_and_fail_on_one(cloud):
    cloud.deploy("defaults", CSV)
    cloud.wait_for_endpoint("defaults")
    reply = invoke(cloud, "defaults", "1,2\n3,4\n", ContentType="text/csv", Accept="text/csv")
    assert reply["Body"].read() == b"3.0\n7.0\n"
    assert json.loads(
        invoke(cloud, "defaults", "[[1, 2]]", ContentType="application/json")["Body"].read()
    ) == [3.0]
    for body, content_type in (("1,2\n", "text/csv"), ("x", "image/png")):
        with pytest.raises(ClientError) as error:
            invoke(cloud, "defaults", body, ContentType=content_type)
        assert error.value.response["OriginalStatusCode"] == 500


def test_a_flask_response_of_the_script_passes_as_it_is(cloud):
    script = """
import flask
def model_fn(folder): return None
def input_fn(body, content_type): return content_type
def predict_fn(content_type, model): return content_type
def output_fn(content_type, accept): return flask.Response("no " + content_type, status=415, mimetype="text/plain")
"""
    cloud.deploy("refusing", script)
    cloud.wait_for_endpoint("refusing")
    with pytest.raises(ClientError) as error:
        invoke(cloud, "refusing", "x", ContentType="image/png")
    assert error.value.response["OriginalStatusCode"] == 415
    assert error.value.response["OriginalMessage"] == "no image/png"
    assert error.value.response["Error"]["Message"].startswith("Received client error (415) from primary")


def test_a_deleted_endpoint_is_gone_for_both_planes_while_its_model_may_go_before(cloud):
    cloud.deploy("short", TRIPLE, {"factor.txt": "2"})
    cloud.wait_for_endpoint("short")
    cloud.sagemaker.delete_model(ModelName="short")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="short")
    assert invoke(cloud, "short", "4")["Body"].read() == b"8.0"
    cloud.sagemaker.delete_endpoint(EndpointName="short")
    with pytest.raises(ClientError, match="Endpoint short of account"):
        invoke(cloud, "short", "4")
    with pytest.raises(ClientError) as error:
        cloud.sagemaker.describe_endpoint(EndpointName="short")
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/short"
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f'Could not find endpoint "{arn}".',
    }
