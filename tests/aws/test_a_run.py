"""One small pipeline from an upload to a prediction, on the real image and a real endpoint; some cents on AWS."""

import hashlib
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.aws.conftest import Deployed
from tests.e2e.data import DEFINITION, RECORD, deliveries
from tests.stage import eventually

pytestmark = [pytest.mark.aws, pytest.mark.timeout(3600)]
NAME = "aws-check"
PATIENCE_S = 1800  # a real training job takes five minutes, a serverless endpoint as long again


@pytest.fixture(scope="module")
def live(deployed: Deployed) -> Deployed:
    """The stage once a model of the pipeline is live."""
    definition = {**DEFINITION, "name": NAME, "task": "classification", "release": {}, "monitor": {}}
    status, _, body = deployed.request("PUT", f"/v1/pipelines/{NAME}", definition)
    assert status in {200, 201}, body
    deployed.aws("s3").put_object(
        Bucket=deployed.outputs["IncomingBucket"], Key=f"incoming/{NAME}/a b+c ü.csv", Body=deliveries(91)
    )

    def probe() -> bool:
        status, _, row = deployed.request("GET", f"/v1/endpoints/{NAME}")
        return bool(status == 200 and row["live"] and row["phase"] == "IDLE")

    eventually(probe, within_s=PATIENCE_S, every_s=2)
    return deployed


def test_an_object_with_a_strange_name_becomes_a_version(live: Deployed) -> None:
    status, _, body = live.request("GET", f"/v1/datasets/{NAME}")
    assert status == 200
    (version,) = [one for one in body["versions"] if one["key"].endswith("a b+c ü.csv")]
    assert version["state"] == "READY"


def test_the_model_was_trained_by_the_prebuilt_image(live: Deployed) -> None:
    sagemaker = live.aws("sagemaker")
    (job, *_) = live.request("GET", f"/v1/training-jobs?pipeline={NAME}")[2]["jobs"]
    told = sagemaker.describe_training_job(
        TrainingJobName=f"headrace-{live.place.name}-{job['job_id']}-a{job['attempt']}"
    )
    assert told["TrainingJobStatus"] == "Completed"
    assert "sagemaker-scikit-learn:1.9-0" in told["AlgorithmSpecification"]["TrainingImage"]
    assert told["EnableNetworkIsolation"]


def test_a_prediction_answers_with_version_and_provenance(live: Deployed) -> None:
    status, _, body = live.request("POST", f"/v1/predictions/{NAME}", {"records": [RECORD]})
    assert status == 200, body
    (prediction,) = body["predictions"]

    def recorded() -> Any:
        status, _, row = live.request("GET", f"/v1/predictions/{NAME}/{prediction['id']}")
        return row if status == 200 else None

    # Through the log, its subscription and the writer: seconds on AWS.
    assert eventually(recorded, within_s=120, every_s=2)["model_version"] == body["model_version"]


def test_the_signed_manifest_verifies_with_the_operators_own_rights(live: Deployed) -> None:
    version = live.request("GET", f"/v1/endpoints/{NAME}")[2]["live"]
    s3, bucket = live.aws("s3"), live.outputs["ModelsBucket"]
    manifest, signature = (
        s3.get_object(Bucket=bucket, Key=f"models/{NAME}/{version}/{name}")["Body"].read()
        for name in ("manifest.json", "manifest.sig")
    )
    told = live.aws("kms").verify(
        KeyId=live.outputs["SigningKeyArn"],
        Message=hashlib.sha256(manifest).digest(),
        MessageType="DIGEST",
        Signature=signature,
        SigningAlgorithm="ECDSA_SHA_256",
    )
    assert told["SignatureValid"]


def test_an_upload_form_is_good_for_its_own_key_only(on_aws: Deployed, live: Deployed) -> None:
    status, _, form = live.request("POST", f"/v1/datasets/{NAME}/uploads", {"filename": "more.csv"})
    assert status in {200, 201}, form
    fields = {**form["upload"]["fields"], "key": "incoming/another/more.csv"}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    parts.append('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\na,b\r\n--b--\r\n')
    request = urllib.request.Request(
        form["upload"]["url"],
        data="".join(parts).encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403


def test_nothing_is_left_in_the_dead_letters(live: Deployed) -> None:
    sqs = live.aws("sqs")
    for service in ("Ingest", "Training", "Inference"):
        name = live.outputs[f"{service}DeadLettersArn"].rpartition(":")[2]
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        assert told["Attributes"]["ApproximateNumberOfMessages"] == "0", name
