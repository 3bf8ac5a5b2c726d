"""ModelBuilder makes a model of an archive and a folder of code, deploys it, and its endpoint answers: deploy.py FOLDER ARCHIVE."""

import json
import sys

from sagemaker.core import image_uris
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.configs import SourceCode
from session import REGION, ROLE, session

folder, archive = sys.argv[1:]
builder = ModelBuilder(
    image_uri=image_uris.retrieve("sklearn", REGION, version="1.9-0"),
    s3_model_data_url=archive,
    source_code=SourceCode(source_dir=folder, entry_script="inference.py"),
    instance_type="ml.m5.large",
    role_arn=ROLE,
    sagemaker_session=session(),
)
model = builder.build(model_name="built")
endpoint = builder.deploy(endpoint_name="built", initial_instance_count=1)
reply = endpoint.invoke(body=b"4", content_type="application/json", accept="application/json")
told = {
    "status": endpoint.refresh().endpoint_status,
    "model": model.model_name,
    "reply": json.loads(reply.body.read()),
}
print("told", json.dumps(told))
