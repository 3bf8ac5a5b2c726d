"""The adapters against moto: the requests are accepted, the answers and errors are read as they come."""

import base64
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import boto3
import msgspec
import pytest
from botocore.stub import Stubber
from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.counting import to_counts
from chalicelib.inference.endpoints import SageMakerEndpoints
from chalicelib.inference.log_lines import Content, pack
from chalicelib.inference.plan import plan_endpoint
from chalicelib.inference.prediction_log import PredictionRecords
from chalicelib.inference.releases import Releases
from chalicelib.inference.runtime import SageMakerRuntime
from chalicelib.inference.states import Refused, Request
from chalicelib.inference.tally import Tally
from chalicelib.inference.transitions import accept, cancel, settle
from chalicelib.inference.windows import Windows, slot_of

from shared.aws import Service
from shared.aws.connections import Answer
from shared.aws.credentials import Credentials
from shared.aws.endpoints import SAGEMAKER_RUNTIME, endpoint_of
from shared.aws.service import Patience
from shared.codec import to_row
from shared.entities.releasing import Realtime, Serverless
from shared.entities.serving import PredictionLog
from shared.errors import ConditionFailed, InvalidBody, NotFound, PayloadTooLarge, Unavailable
from shared.objects import Bucket
from tests import clouds
from tests.fakes import FakeBucket
from tests.integration.inference.dynamodb_tables import make_table
from tests.unit.inference.fakes import NOW, answer_of, signed_model

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
NAME = "headrace-test-flights-v1"


@pytest.mark.parametrize("hosting", [Serverless(memory_mb=3072), Realtime(count=2)])
def test_an_endpoint_is_made_described_listed_and_deleted(hosting):
    client = boto3.client("sagemaker")
    endpoints = SageMakerEndpoints(client)
    model = signed_model(FakeBucket("models"), "v1", None)
    plan = plan_endpoint(model, hosting, stage="test", role_arn=ROLE)
    assert endpoints.describe(NAME) is None
    endpoints.create(plan)
    state = endpoints.describe(NAME)
    assert state is not None
    assert (state.status, state.content) == ("InService", plan.content)
    (variant,) = client.describe_endpoint_config(EndpointConfigName=NAME)["ProductionVariants"]
    assert ("ServerlessConfig" in variant) is isinstance(hosting, Serverless)
    environment = client.describe_model(ModelName=NAME)["PrimaryContainer"]["Environment"]
    code = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    assert environment.items() >= code.items()
    assert (endpoints.names("headrace-test-"), endpoints.names("headrace-prod-")) == ({NAME}, set())
    endpoints.delete(NAME)
    endpoints.delete(NAME)
    assert endpoints.names("headrace-") == set()


def test_a_name_taken_by_leftovers_is_replaced_and_one_taken_by_an_endpoint_is_left_to_describe():
    client = boto3.client("sagemaker")
    plan = plan_endpoint(
        signed_model(FakeBucket("models"), "v1", None), Serverless(), stage="test", role_arn=ROLE
    )
    with Stubber(client) as stub:
        taken = {"service_error_code": "ValidationException", "http_status_code": 400}
        stub.add_client_error(
            "create_model", service_message='Cannot create already existing model "arn".', **taken
        )
        stub.add_response("delete_model", {}, {"ModelName": NAME})
        stub.add_response("create_model", {"ModelArn": "arn:aws:sagemaker:::model/m12345678"})
        stub.add_response(
            "create_endpoint_config", {"EndpointConfigArn": "arn:aws:sagemaker:::endpoint-config/c1"}
        )
        stub.add_client_error(
            "create_endpoint", service_message='Cannot create already existing endpoint "arn".', **taken
        )
        SageMakerEndpoints(client).create(plan)
        stub.assert_no_pending_responses()


def test_what_sagemaker_finds_invalid_is_a_reason_and_not_a_crash():
    client = boto3.client("sagemaker")
    plan = plan_endpoint(
        signed_model(FakeBucket("models"), "v1", None), Serverless(), stage="test", role_arn=ROLE
    )
    with Stubber(client) as stub:
        stub.add_client_error(
            "create_model", "ValidationException", "Could not access model data at s3://x.", 400
        )
        with pytest.raises(Refused, match="Could not access model data"):
            SageMakerEndpoints(client).create(plan)


def test_an_endpoint_still_being_created_is_not_deleted():
    client = boto3.client("sagemaker")
    with Stubber(client) as stub:
        arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/x"
        times = {"CreationTime": NOW, "LastModifiedTime": NOW}
        described = {"EndpointName": NAME, "EndpointArn": arn, "EndpointStatus": "Creating", **times}
        stub.add_response("describe_endpoint", described)
        stub.add_response("list_tags", {"Tags": []})
        SageMakerEndpoints(client).delete(NAME)


ERRORS = {
    "the caller's fault": ("ModelError", 400, '{"error": "Record 0: no."}', InvalidBody, "Record 0: no."),
    "another container's text": ("ModelError", 400, "<html>secret</html>", InvalidBody, "gave no reason"),
    "the model's fault": ("ModelError", 500, "Traceback", Unavailable, "answered 500"),
    "no answer in time": ("ModelError", 0, "timed out", Unavailable, "answered 0"),
    "no endpoint": (
        "ValidationError",
        None,
        "Endpoint x of account 1 not found.",
        NotFound,
        "not in service",
    ),
    "too large": ("ValidationError", None, "Request has oversize body.", PayloadTooLarge, "larger"),
    "throttled": ("ThrottlingException", None, "Rate exceeded", Unavailable, "Rate"),
    "not ready": ("ModelNotReadyException", None, "wait", Unavailable, "NotReady"),
    "down": ("ServiceUnavailable", None, "no", Unavailable, "no"),
    "not foreseen": ("BrandNewException", None, "of next year", Unavailable, "of next year"),
}


class Wire:
    """Gives one answer to whatever is asked, and keeps what that was."""

    def __init__(self, status, body, **headers):
        self.status, self.body, self.headers = status, body, headers
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        return Answer(self.status, self.headers, io.BytesIO(self.body))


def invoke(wire, records=b'[{"a":1}]', row_count=1):
    keys = Credentials(key_id="a", secret_key="b")
    endpoint = endpoint_of(SAGEMAKER_RUNTIME, {"AWS_REGION": "eu-west-1"})
    once = Service(endpoint, wire, who=lambda: keys, patience=Patience(attempts=1))
    return SageMakerRuntime(once).invoke(NAME, records, row_count)


@pytest.mark.parametrize("case", ERRORS)
def test_errors_of_the_runtime_become_ours(case):
    code, original, message, kind, told = ERRORS[case]
    fields = {"OriginalStatusCode": original, "OriginalMessage": message} if original is not None else {}
    wire = Wire(
        424, json.dumps({"Message": message, **fields}).encode(), **{"x-amzn-errortype": f"{code}:http://x"}
    )
    with pytest.raises(kind, match=told):
        invoke(wire)
    assert len(wire.asked) == 1


def test_records_go_out_as_they_came_and_answers_come_back():
    wire = Wire(200, b'{"predictions":[{"value":"late","scores":{"late":0.7}}]}')
    (answer,) = invoke(wire)
    (asked,) = wire.asked
    assert (asked.method, asked.body) == ("POST", b'{"records":[{"a":1}]}')
    assert asked.origin + asked.target == (
        f"https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/{NAME}/invocations"
    )
    assert asked.headers["content-type"] == asked.headers["accept"] == "application/json"
    assert (answer.value, answer.scores) == ("late", {"late": 0.7})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"predictions":[]}', b'{"predictions":[{"x":1}]}'])
def test_an_answer_off_the_contract_is_the_servers_fault(body):
    with pytest.raises(Unavailable):
        invoke(Wire(200, body))


def stored_model(kms, s3):
    """Put the fakes' model into the mocked bucket, signed by the mocked KMS."""
    s3.create_bucket(Bucket="models")
    made = FakeBucket("models")
    model = signed_model(made, "v1", None)
    for key in made.versions:
        s3.put_object(Bucket="models", Key=key, Body=made.read(key))
    arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    signed = kms.sign(
        KeyId=arn,
        Message=bytes.fromhex(model.manifest_sha256),
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    signature = base64.b64encode(signed["Signature"]).decode()
    s3.put_object(Bucket="models", Key="models/flights/v1/manifest.sig", Body=signed["Signature"])
    # The mocked bucket keeps no versions.
    return msgspec.structs.replace(model, manifest_signature=signature, artifact_version_id=None), arn


def test_kms_vouches_for_the_manifest_and_for_nothing_else():
    kms, s3 = boto3.client("kms"), boto3.client("s3")
    model, arn = stored_model(kms, s3)
    artifacts = SignedArtifacts(Bucket(clouds.s3(), "models"), kms, arn)
    assert artifacts.verify(model).version == "v1"
    assert len(artifacts.golden(model).splitlines()) == 5
    other = hashlib.sha256(b"another manifest").digest()
    foreign = kms.sign(KeyId=arn, Message=other, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
    forged = base64.b64encode(foreign["Signature"]).decode()
    for signature in (forged, "not base64!", ""):
        with pytest.raises(Refused, match="signature"):
            artifacts.verify(msgspec.structs.replace(model, manifest_signature=signature))


def test_a_file_that_is_gone_refuses_the_model():
    kms, s3 = boto3.client("kms"), boto3.client("s3")
    model, arn = stored_model(kms, s3)
    s3.delete_object(Bucket="models", Key="models/flights/v1/model.tar.gz")
    with pytest.raises(Refused, match="is gone"):
        SignedArtifacts(Bucket(clouds.s3(), "models"), kms, arn).verify(model)


def test_releases_are_fenced_checked_and_found_by_attention_in_dynamodb_itself():
    client = boto3.client("dynamodb")
    table = make_table(client, "releases", "pipeline", "entry", index=("attention", "updated_at"))
    models = make_table(client, "models", "pipeline", "version")
    releases = Releases(table, models)
    model = signed_model(FakeBucket("models"), "v1", None)
    request = Request(who="ada", why="because", at=NOW)
    with pytest.raises(ConditionFailed):  # the model's row is not there, so it is not APPROVED
        releases.apply("flights", accept(None, model, request))
    models.put(to_row(model))
    first = releases.apply("flights", accept(None, model, request))
    assert (first.candidate, first.gen, first.weight) == ("v1", 1, 0.0)
    assert releases.open() == ["flights"]
    with pytest.raises(ConditionFailed):
        releases.apply("flights", accept(None, model, request))
    stopped = releases.apply("flights", cancel(first, request))
    assert (stopped.candidate, stopped.gen) == (None, 2)
    with pytest.raises(ConditionFailed):
        releases.apply("flights", cancel(first, request))
    releases.apply("flights", settle(stopped))
    assert releases.open() == []
    ended, started = releases.history("flights", until=None, limit=5)
    assert (ended.candidate, ended.gen, ended.who) == ("v1", 2, "ada")
    assert (started.outcome, started.gen) == ("STARTED", 1)
    assert releases.was_tried("flights", "v1")
    assert not releases.was_tried("flights", "v2")


def test_a_record_in_many_items_is_read_back_whole_or_not_at_all():
    table = make_table(boto3.client("dynamodb"), "predictions", "request_id", "chunk", kinds="SN")
    records = PredictionRecords(table)
    body = pack(Content(predictions=[answer_of("v1", {"distance": 1})]))
    chunks = [
        PredictionLog(
            request_id="r-1",
            chunk=chunk,
            parts=2,
            row_count=1,
            pipeline="flights",
            model_version="v1",
            endpoint=NAME,
            at="2026-01-01T00:00:00Z",
            expires_at_s=1,
            latency_ms=1.5,
            body=piece,
        )
        for chunk, piece in enumerate((body[:20], body[20:]))
    ]
    records.transact([records.adding(chunks[1])])
    assert records.find("r-1").logged is None
    records.transact([records.adding(chunks[0])])
    found = records.find("r-1").logged
    assert found is not None
    assert list(found.predictions) == [answer_of("v1", {"distance": 1})]
    with pytest.raises(ConditionFailed):
        records.transact([records.adding(chunks[0])])
    assert records.has(chunks[0])
    assert records.find("r-2").logged is None


def test_what_is_counted_of_versions_adds_up_over_midnight():
    table = make_table(boto3.client("dynamodb"), "predictions", "request_id", "chunk", kinds="SN")
    windows = Windows(table, timedelta(days=30))
    for at, version in (
        ("2026-01-01T23:59:59Z", "v1"),
        ("2026-01-02T00:00:00Z", "v2"),
        ("2026-01-02T09:00:00Z", "v1"),
    ):
        for _ in range(3):
            tally = Tally(
                requests=1,
                rows=2,
                log_loss=0.25,
                scored=1,
                estimated=1,
                expected=0.5,
                shares={1: 7},
                latencies={16: 1},
            )
            kept = {version: [f"{version}-{at}", f"{version}-{at}-2"]}
            table.transact(windows.adding(slot_of("flights", at), {version: to_counts(tally)}, NOW, kept))
    until = datetime(2026, 1, 2, 0, 4, tzinfo=UTC)
    found = windows.tallies("flights", until - timedelta(minutes=10), until)
    assert {version: tally.requests for version, tally in found.items()} == {"v1": 3, "v2": 3}
    assert (found["v2"].rows, found["v2"].log_loss, found["v2"].latencies) == (6, 0.75, {16: 3})
    assert (found["v2"].estimated, found["v2"].expected, found["v2"].shares) == (3, 1.5, {1: 21})
    assert windows.tallies("flights", until, until)["v2"].requests == 3
    since = until - timedelta(minutes=10)
    assert set(windows.sample("flights", "v1", since, until)) == {
        "v1-2026-01-01T23:59:59Z",
        "v1-2026-01-01T23:59:59Z-2",
    }
    assert windows.tallies("trains", until, until) == {}
