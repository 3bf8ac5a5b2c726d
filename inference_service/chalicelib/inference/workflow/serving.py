"""The Open Inference Protocol's questions about a pipeline as a model."""

from chalicelib.inference.naming import endpoint_name, is_version
from chalicelib.inference.oip import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    inferred,
    records_of,
    refused,
)
from chalicelib.inference.ports import Endpoints
from chalicelib.inference.routing import nothing_live
from chalicelib.inference.tensors import describe_inputs, describe_outputs
from chalicelib.inference.workflow.context import Asked, Predicting
from chalicelib.inference.workflow.predicting import predict

from shared.errors import Conflict, InvalidBody, InvalidRequest


def infer(
    adapters: Predicting, request_id: str, pipeline: str, version: str | None, asked: InferRequest
) -> InferResponse:
    """Answer tensors with the live model version, or with *version*."""
    what = Asked(request_id=request_id, pipeline=pipeline, records=records_of(asked), version=version)
    try:
        answered = predict(adapters, what)
    except InvalidBody as error:
        raise refused(asked, error) from None
    return inferred(asked, pipeline, answered.predictions)


def describe(adapters: Predicting, pipeline: str, version: str | None) -> ModelMetadata:
    """Return the tensors of the live model version, or of *version*."""
    served = adapters.router.served(pipeline, _version(adapters, pipeline, version))
    release = adapters.router.release(pipeline)
    named = (release.live, release.candidate, release.previous) if release else ()
    return ModelMetadata(
        name=pipeline,
        # A version that is asked for has existed; one that is gone is not to be offered.
        versions=tuple(dict.fromkeys(name for name in named if name)),
        platform=f"headrace_{served.signature.get('task', 'model')}",
        inputs=tuple(describe_inputs(list(served.validator.inputs.values()))),
        outputs=tuple(describe_outputs(served.signature)),
    )


def check_ready(adapters: Predicting, endpoints: Endpoints, pipeline: str, version: str | None) -> ModelReady:
    """Say that the live model version, or *version*, answers.

    Raises
    ------
    Conflict
        Its endpoint is not in service now.
    """
    chosen = _version(adapters, pipeline, version)
    state = endpoints.describe(endpoint_name(adapters.stage, pipeline, chosen))
    if state is None or state.status != "InService":
        raise Conflict(f"{chosen} of pipeline {pipeline!r} has no endpoint in service now")
    return ModelReady(name=pipeline)


def _version(adapters: Predicting, pipeline: str, version: str | None) -> str:
    """Return the version that is meant: *version*, or what is live (a candidate on trial is nobody's to rely on)."""
    if version is not None:
        if not is_version(version):
            raise InvalidRequest(f"version {version[:20]!r} is not spelled like v3")
        return version
    release = adapters.router.release(pipeline)
    if release is None or release.live is None:
        adapters.pipelines.get(pipeline)
        raise Conflict(nothing_live(pipeline, release))
    live: str = release.live
    return live
