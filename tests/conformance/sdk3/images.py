"""The SDK's own answer to where the scikit-learn image is, for every region of its table."""

import json

from sagemaker.core import image_uris

table = image_uris.config_for_framework("sklearn")["training"]["versions"]["1.9-0"]["registries"]
uris = {region: image_uris.retrieve("sklearn", region, version="1.9-0") for region in table}
print("told", json.dumps(uris))
