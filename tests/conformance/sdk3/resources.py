"""The SDK's core resources create, get, wait for, refresh and list jobs and endpoints: resources.py CODE ARCHIVE."""

import json
import sys

from botocore.exceptions import ClientError
from sagemaker.core import image_uris, shapes
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
from session import BUCKET, REGION, ROLE

code, archive = sys.argv[1:]
IMAGE = image_uris.retrieve("sklearn", REGION, version="1.9-0")


def train() -> TrainingJob:
    """Train, and get the job again by its name."""
    source = shapes.S3DataSource(
        s3_data_type="S3Prefix", s3_uri=code, s3_data_distribution_type="FullyReplicated"
    )
    job = TrainingJob.create(
        training_job_name="core-job",
        role_arn=ROLE,
        algorithm_specification=shapes.AlgorithmSpecification(
            training_image=IMAGE, training_input_mode="File"
        ),
        hyper_parameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        },
        input_data_config=[
            shapes.Channel(channel_name="code", data_source=shapes.DataSource(s3_data_source=source))
        ],
        output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/core"),
        resource_config=shapes.ResourceConfig(
            instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1
        ),
        stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=60),
        region=REGION,
    )
    job.wait(poll=1, logs=False, timeout=60)
    return TrainingJob.get(training_job_name="core-job", region=REGION)


def serve() -> Endpoint:
    """Deploy by hand, and wait for the status to be reached."""
    container = shapes.ContainerDefinition(
        image=IMAGE,
        model_data_url=archive,
        environment={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    )
    Model.create(model_name="core", primary_container=container, execution_role_arn=ROLE, region=REGION)
    variant = shapes.ProductionVariant(
        variant_name="AllTraffic", model_name="core", instance_type="ml.m5.large", initial_instance_count=1
    )
    EndpointConfig.create(endpoint_config_name="core", production_variants=[variant], region=REGION)
    endpoint = Endpoint.create(endpoint_name="core", endpoint_config_name="core", region=REGION)
    endpoint.wait_for_status("InService", poll=1, timeout=60)
    return Endpoint.get(endpoint_name="core", region=REGION)


job, endpoint = train(), serve()
reply = endpoint.invoke(body=b"4", content_type="application/json")
told = {
    "job": job.refresh().training_job_status,
    "jobs": [one.training_job_name for one in TrainingJob.get_all(name_contains="core", region=REGION)],
    "endpoint": endpoint.refresh().endpoint_status,
    "endpoints": [one.endpoint_name for one in Endpoint.get_all(status_equals="InService", region=REGION)],
    "reply": json.loads(reply.body.read()),
}
endpoint.delete()
endpoint.wait_for_delete(poll=1, timeout=60)
try:
    Endpoint.get(endpoint_name="core", region=REGION)
except ClientError as error:
    told["afterwards"] = str(error)
print("told", json.dumps(told))
