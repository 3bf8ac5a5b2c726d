"""SKLearn of SDK 2 fits a script, deploys its model and predicts: estimator.py FOLDER DATA."""

import json
import os
import sys

import boto3
import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearn

folder, data = sys.argv[1:]
region = os.environ["AWS_DEFAULT_REGION"]
# A default bucket, without which the SDK asks AWS's own STS for the account.
session = sagemaker.Session(boto3.Session(region_name=region), default_bucket=os.environ["BUCKET"])
estimator = SKLearn(
    entry_point="script.py",
    source_dir=folder,
    # The table of SDK 2 ends before this image.
    image_uri=os.environ["IMAGE"],
    role=os.environ["ROLE"],
    instance_type="ml.m5.large",
    instance_count=1,
    hyperparameters={"factor": 3},
    metric_definitions=[{"Name": "loss", "Regex": "loss: ([0-9.]+)"}],
    sagemaker_session=session,
    base_job_name="estimator",
)
estimator.fit({"train": session.upload_data(data, key_prefix="estimator/data")}, logs=True)
predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name="estimator",
    serializer=CSVSerializer(),
    deserializer=JSONDeserializer(),
)
reply = predictor.predict([[1], [2]])
predictor.delete_endpoint()
job = estimator.latest_training_job.describe()
told = {"status": job["TrainingJobStatus"], "loss": job["FinalMetricDataList"][0]["Value"], "reply": reply}
print("told", json.dumps(told))
