"""What the KServe Open Inference Protocol v2 says over REST; tensors travel as JSON."""

from typing import Annotated, Any

import msgspec
from chalicelib.inference.formats import TENSORS, Records
from chalicelib.inference.tables import to_table
from chalicelib.inference.tensors import Described, Tensor, at_tensors, tensors_of
from chalicelib.inference.views import Predictions

from shared.errors import FieldError, InvalidBody, UnsupportedMediaType
from shared.http.request import Request
from shared.parsing import decode
from shared.version import VERSION

BINARY_HEADER = "inference-header-content-length"
_TOO_MUCH = ("binary_data_size", "shared_memory_region", "classification")


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The server's name, version and extensions of the protocol."""

    name: str = "headrace"
    version: str = VERSION
    extensions: tuple[str, ...] = ()


class ServerLive(msgspec.Struct, frozen=True, kw_only=True):
    """That the server answers."""

    live: bool = True


class ServerReady(msgspec.Struct, frozen=True, kw_only=True):
    """That the server takes requests; of a model its own route tells."""

    ready: bool = True


class ModelReady(msgspec.Struct, frozen=True, kw_only=True):
    """That a model answers requests."""

    name: str
    ready: bool = True


class ModelMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline as a model: its versions with an endpoint, and the tensors of the one that was asked for."""

    name: str
    versions: tuple[str, ...]
    platform: str
    inputs: tuple[Described, ...]
    outputs: tuple[Described, ...]


class WantedOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One output that the caller wants."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tensors by the names of the model's inputs; without ``outputs`` all are answered."""

    id: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    parameters: dict[str, Any] = {}
    inputs: Annotated[tuple[Tensor, ...], msgspec.Meta(min_length=1)]
    outputs: tuple[WantedOutput, ...] = ()


class InferResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The columns of the answer, a tensor each: ``id``, ``value`` and what the task has beside it."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[Tensor]


def read_infer(request: Request) -> InferRequest:
    """Return the request.

    Raises
    ------
    InvalidBody
        It is not of the protocol, or asks for an extension.
    UnsupportedMediaType
        It has binary tensors.
    """
    if BINARY_HEADER in request.headers:
        raise UnsupportedMediaType("binary tensors are not taken here; send them as JSON (binary_data=False)")
    asked = decode(request.raw_body, InferRequest)
    parts = [(f"/inputs/{n}", part.parameters) for n, part in enumerate(asked.inputs)]
    parts += [(f"/outputs/{n}", part.parameters) for n, part in enumerate(asked.outputs)]
    faults = tuple(
        FieldError(pointer=f"{pointer}/parameters/{name}", detail="is an extension that is not supported")
        for pointer, parameters in parts
        for name in _TOO_MUCH
        if parameters.get(name)
    )
    if faults:
        raise InvalidBody(f"{faults[0].pointer}: {faults[0].detail}", faults)
    return asked


def records_of(asked: InferRequest) -> Records:
    """Return the tensors as what the prediction workflow takes."""
    return Records(kind=TENSORS, body=b"", tensors=asked.inputs)


def refused(asked: InferRequest, error: InvalidBody) -> InvalidBody:
    """Return *error* about records as one about the tensors that were sent."""
    return at_tensors(error, asked.inputs)


def inferred(asked: InferRequest, pipeline: str, predictions: Predictions) -> InferResponse:
    """Return the answer, of the outputs that are wanted.

    Raises
    ------
    InvalidBody
        The model has no output of that name.
    """
    tensors = {tensor.name: tensor for tensor in tensors_of(to_table(predictions.predictions))}
    faults = tuple(
        FieldError(pointer=f"/outputs/{n}/name", detail=f"the outputs are {', '.join(tensors)}")
        for n, output in enumerate(asked.outputs)
        if output.name not in tensors
    )
    if faults:
        raise InvalidBody(f"{faults[0].pointer}: {faults[0].detail}", faults)
    names = [output.name for output in asked.outputs] or list(tensors)
    return InferResponse(
        model_name=pipeline,
        model_version=predictions.model_version,
        id=asked.id,
        outputs=[tensors[name] for name in names],
    )
