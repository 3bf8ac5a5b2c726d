"""Asks a stage as NVIDIA's unmodified ``tritonclient`` does: `triton_client.py PIPELINE RECORDS`, printing JSON.

Runs in an environment of its own (requirements/clients.in), where nothing of ours is installed.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

_TYPES = {"INT64": np.int64, "FP64": np.float64, "BOOL": np.bool_, "BYTES": np.object_}


def main(pipeline: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the client got for each call of the protocol."""
    headers = {"Authorization": f"Bearer {os.environ['HEADRACE_TOKEN']}"}
    client = triton.InferenceServerClient(urlsplit(os.environ["HEADRACE_URL"]).netloc)
    metadata = client.get_model_metadata(pipeline, headers=headers)
    inputs = []
    for described in metadata["inputs"]:
        name, datatype = described["name"], described["datatype"]
        values = np.array([record[name] for record in records], dtype=_TYPES[datatype])
        tensor = triton.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=False)
        inputs.append(tensor)
    score = next(o["name"] for o in reversed(metadata["outputs"]) if o["name"].startswith("score_"))
    wanted = [triton.InferRequestedOutput(o["name"], binary_data=False) for o in metadata["outputs"]]
    result = client.infer(pipeline, inputs, outputs=wanted, headers=headers, request_id="mine")
    plain = client.infer(pipeline, inputs, headers=headers, model_version=metadata["versions"][0])
    return {
        "live": client.is_server_live(headers=headers),
        "ready": client.is_server_ready(headers=headers),
        "server": client.get_server_metadata(headers=headers)["name"],
        "model_ready": client.is_model_ready(pipeline, headers=headers),
        "ghost_ready": client.is_model_ready("no-such-pipeline", headers=headers),
        "id": result.get_response()["id"],
        "value": result.as_numpy("value").tolist(),
        "ids": [str(one) for one in result.as_numpy("id").tolist()],
        "scores": result.as_numpy(score).tolist(),
        "plain": plain.as_numpy("value").tolist(),
        "refused": _refusal(lambda: client.infer(pipeline, inputs[:1], headers=headers)),
        "nobody": _refusal(client.get_server_metadata),
    }


def _refusal(call: Any) -> str:
    try:
        call()
    except InferenceServerException as error:
        return str(error.message())
    return "was not refused"


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
