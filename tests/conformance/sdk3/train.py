"""ModelTrainer trains a folder of code on a channel, follows the log, and describes the job it made: train.py FOLDER DATA."""

import json
import sys

from sagemaker.core import image_uris
from sagemaker.core.shapes import MetricDefinition
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode
from session import BUCKET, REGION, ROLE, session

folder, data = sys.argv[1:]
trainer = ModelTrainer(
    training_image=image_uris.retrieve("sklearn", REGION, version="1.9-0"),
    source_code=SourceCode(source_dir=folder, entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/trainer"),
    hyperparameters={"rate": 0.5, "C": 1},
    role=ROLE,
    sagemaker_session=session(),
    base_job_name="trainer",
).with_metric_definitions([MetricDefinition(name="loss", regex="loss: ([0-9.]+)")])
trainer.train([InputData(channel_name="train", data_source=data)], wait=True, logs=True)
job = trainer._latest_training_job.refresh()
metrics = {metric.metric_name: metric.value for metric in job.final_metric_data_list}
told = {
    "name": job.training_job_name,
    "status": job.training_job_status,
    "metrics": metrics,
    "model": job.model_artifacts.s3_model_artifacts,
}
print("told", json.dumps(told))
