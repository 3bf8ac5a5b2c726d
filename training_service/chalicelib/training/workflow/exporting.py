"""Other forms of a model beside its artifact: where to fetch one, if it is what was signed."""

from chalicelib.training.model_files import evaluation_key
from chalicelib.training.ports import Ports
from chalicelib.training.views import ExportView
from chalicelib.training.workflow.tracing import trace

from shared.entities.training import ModelVersion
from shared.errors import Conflict, NotFound

ONNX = "model.onnx"
DOWNLOAD_S = 300


def find_onnx(ports: Ports, model: ModelVersion) -> ExportView:
    """Return where `model.onnx` can be fetched for a while, held against the signed manifest first.

    Raises
    ------
    NotFound
        The version has none; the sentence says why.
    Conflict
        What S3 has is not what the manifest signs.
    """
    lineage = trace(ports, model)
    file = next((file for file in lineage.manifest.files if file.key.endswith(f"/{ONNX}")), None)
    if file is None:
        raise NotFound(f"{model.pipeline} {model.version} has no {ONNX}: {_why_none(ports, model)}")
    for check in lineage.checks:
        if check.what in {"manifest", ONNX} and not check.holds:
            raise Conflict(f"{model.pipeline} {model.version}, {check.what}: {check.detail}")
    url = ports.model_files.bucket.presign_get(file.key, expires_s=DOWNLOAD_S)
    return ExportView(url=url, expires_in_s=DOWNLOAD_S, sha256=file.sha256, size_bytes=file.size_bytes)


def _why_none(ports: Ports, model: ModelVersion) -> str:
    told = ports.model_files.evaluation(evaluation_key(model.pipeline, model.version)).exports.get("onnx")
    return (told and told.reason) or "its pipeline did not ask for one (model.export: [onnx])"
