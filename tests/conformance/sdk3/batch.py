"""Transformer and ScriptProcessor run a batch each and wait for it: batch.py MODEL INPUT SCRIPT."""

import json
import sys

from sagemaker.core import image_uris
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.transformer import Transformer
from session import BUCKET, REGION, ROLE, session

model, source, script = sys.argv[1:]
transformer = Transformer(
    model_name=model,
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="application/json",
    output_path=f"s3://{BUCKET}/transformer",
    base_transform_job_name="transformer",
    sagemaker_session=session(),
)
transformer.transform(source, content_type="text/csv", split_type="Line", wait=True, logs=True)

processor = ScriptProcessor(
    role=ROLE,
    image_uri=image_uris.retrieve("sklearn", REGION, version="1.9-0"),
    command=["python3"],
    instance_count=1,
    instance_type="ml.m5.large",
    base_job_name="processor",
    sagemaker_session=session(),
)
into = ProcessingS3Input(
    s3_uri=source, local_path="/opt/ml/processing/in", s3_data_type="S3Prefix", s3_input_mode="File"
)
out = ProcessingS3Output(
    s3_uri=f"s3://{BUCKET}/processor", local_path="/opt/ml/processing/out", s3_upload_mode="EndOfJob"
)
processor.run(
    code=script,
    inputs=[ProcessingInput(input_name="in", s3_input=into)],
    outputs=[ProcessingOutput(output_name="out", s3_output=out)],
    arguments=["--word", "hello"],
    wait=True,
    logs=True,
)
job = processor.latest_job.refresh()
told = {
    "transform": transformer.latest_transform_job.refresh().transform_job_status,
    "processing": job.processing_job_status,
    "message": job.exit_message,
}
print("told", json.dumps(told))
