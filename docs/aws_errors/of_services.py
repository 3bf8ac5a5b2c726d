"""The call sites of the three services' own adapters."""

import logging

import msgspec
from botocore import xform_name

from docs.aws_errors.clouds import Cloud, refusal
from docs.aws_errors.documented import ABSENT, TAKEN, Fault
from docs.aws_errors.of_shared import Probe
from docs.service import find_the_services

find_the_services()

from chalicelib.inference.attempts import Copy  # noqa: E402
from chalicelib.inference.batch_invocations import BatchInvocations  # noqa: E402
from chalicelib.inference.batch_plan import TransformPlan  # noqa: E402
from chalicelib.inference.endpoints import SageMakerEndpoints  # noqa: E402
from chalicelib.inference.plan import EndpointPlan  # noqa: E402
from chalicelib.inference.runtime import SageMakerRuntime  # noqa: E402
from chalicelib.inference.shadow_copies import ShadowCopies  # noqa: E402
from chalicelib.inference.transforms import SageMakerTransforms  # noqa: E402
from chalicelib.ingest.processing.jobs import ProcessingJobs  # noqa: E402
from chalicelib.training.logs import LogPosition, TrainingLogs  # noqa: E402
from chalicelib.training.packages import ModelPackages  # noqa: E402
from chalicelib.training.sagemaker import SageMakerJobs  # noqa: E402

_ENDPOINT = EndpointPlan(name="n", content="c", model={}, config={}, endpoint={})
_TRANSFORM = TransformPlan(name="n", model={}, job={})
_SERVES = {"EndpointArn": "a", "EndpointStatus": "InService"}
_GROUPED = {"ModelPackageGroupName": "g"}
_COPY = Copy(pipeline="p", gen=1, version="v1", request_id="r", records=msgspec.Raw(b"[]"), answers=[])
_QUIET = logging.getLogger("headrace.docs")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def _words(message: str) -> Exception:
    return refusal(Fault(code="ValidationException", message=message))


def _shadow(cloud: Cloud) -> None:
    copies = ShadowCopies(cloud.client, "f", _QUIET)
    copies.begin(_COPY)
    copies.finish()


def _after_leftovers(create: str) -> Probe:
    """Let a name be taken once, so that what has it is deleted first."""

    def probe(cloud: Cloud) -> None:
        answers = {create: [_words(TAKEN["CreateModel"]), {"Arn": "a"}]}
        SageMakerEndpoints(cloud.client(**answers)).create(_ENDPOINT)

    return probe


def _create_group(cloud: Cloud) -> None:
    made = [_words(ABSENT["CreateModelPackage"]), {"ModelPackageArn": "a"}]
    ModelPackages(cloud.client(create_model_package=made)).create(_GROUPED, {})


def _endpoints(cloud: Cloud) -> SageMakerEndpoints:
    return SageMakerEndpoints(cloud.client(describe_endpoint=_SERVES, list_tags={"Tags": []}))


def _describe_endpoint(cloud: Cloud) -> object:
    return SageMakerEndpoints(cloud.client()).describe("n")


def _list_tags(cloud: Cloud) -> object:
    return SageMakerEndpoints(cloud.client(describe_endpoint=_SERVES)).describe("n")


def _create_endpoint(cloud: Cloud) -> None:
    SageMakerEndpoints(cloud.client()).create(_ENDPOINT)


def _list_names(cloud: Cloud) -> object:
    lists: dict[str, object] = {kind: {f"{kind}s": []} for kind in ("Endpoint", "EndpointConfig", "Model")}
    answers = {
        f"list_{xform_name(kind)}s": page for kind, page in lists.items() if not cloud.is_of(f"List{kind}s")
    }
    return SageMakerEndpoints(cloud.client(**answers)).names("p")


_INGEST: dict[tuple[str, str], Probe] = {
    ("processing.jobs.ProcessingJobs.create", "CreateProcessingJob"): lambda cloud: ProcessingJobs(
        cloud.client()
    ).create({}),
    ("processing.jobs.ProcessingJobs.describe", "DescribeProcessingJob"): lambda cloud: ProcessingJobs(
        cloud.client()
    ).describe("n"),
}
_TRAINING: dict[tuple[str, str], Probe] = {
    ("sagemaker.SageMakerJobs.create", "CreateTrainingJob"): lambda cloud: SageMakerJobs(
        cloud.client()
    ).create({}),
    ("sagemaker.SageMakerJobs.describe", "DescribeTrainingJob"): lambda cloud: SageMakerJobs(
        cloud.client()
    ).describe("n"),
    ("sagemaker.SageMakerJobs.stop", "StopTrainingJob"): lambda cloud: SageMakerJobs(cloud.client()).stop(
        "n"
    ),
    ("packages.ModelPackages._create", "CreateModelPackage"): lambda cloud: ModelPackages(
        cloud.client()
    ).create(_GROUPED, {}),
    ("packages.ModelPackages._create_group", "CreateModelPackageGroup"): _create_group,
    ("packages.ModelPackages.describe", "DescribeModelPackage"): lambda cloud: ModelPackages(
        cloud.client()
    ).describe("a"),
    ("packages.ModelPackages.update", "UpdateModelPackage"): lambda cloud: ModelPackages(
        cloud.client()
    ).update({"ModelPackageArn": "a"}),
    ("logs.TrainingLogs._last_stream", "DescribeLogStreams"): lambda cloud: TrainingLogs(cloud.client()).tail(
        "n"
    ),
    ("logs.TrainingLogs._read", "GetLogEvents"): lambda cloud: TrainingLogs(
        cloud.client(describe_log_streams={"logStreams": []})
    ).after("n", LogPosition(stream="n/1", token="t")),  # noqa: S106  # CloudWatch's word for a place
}
_INFERENCE: dict[tuple[str, str], Probe] = {
    ("runtime.SageMakerRuntime.invoke", "InvokeEndpoint"): lambda cloud: SageMakerRuntime(
        cloud.service()
    ).invoke("n", b"[]", 0),
    ("endpoints.SageMakerEndpoints.describe", "DescribeEndpoint"): _describe_endpoint,
    ("endpoints.SageMakerEndpoints.describe", "ListTags"): _list_tags,
    ("endpoints.SageMakerEndpoints.create", "CreateModel"): _create_endpoint,
    ("endpoints.SageMakerEndpoints.create", "CreateEndpointConfig"): _create_endpoint,
    ("endpoints.SageMakerEndpoints.create", "CreateEndpoint"): _create_endpoint,
    ("endpoints.SageMakerEndpoints.create", "DeleteModel"): _after_leftovers("create_model"),
    ("endpoints.SageMakerEndpoints.create", "DeleteEndpointConfig"): _after_leftovers(
        "create_endpoint_config"
    ),
    **{
        ("endpoints.SageMakerEndpoints.delete", f"Delete{kind}"): lambda cloud: _endpoints(cloud).delete("n")
        for kind in ("Endpoint", "EndpointConfig", "Model")
    },
    **{
        ("endpoints.SageMakerEndpoints.names", f"List{kind}"): _list_names
        for kind in ("Endpoints", "EndpointConfigs", "Models")
    },
    **{
        ("transforms.SageMakerTransforms.create", operation): lambda cloud: SageMakerTransforms(
            cloud.client()
        ).create(_TRANSFORM)
        for operation in ("CreateModel", "CreateTransformJob")
    },
    ("transforms.SageMakerTransforms.describe", "DescribeTransformJob"): lambda cloud: SageMakerTransforms(
        cloud.client()
    ).describe("n"),
    ("transforms.SageMakerTransforms.stop", "StopTransformJob"): lambda cloud: SageMakerTransforms(
        cloud.client()
    ).stop("n"),
    ("transforms.SageMakerTransforms.forget", "DeleteModel"): lambda cloud: SageMakerTransforms(
        cloud.client()
    ).forget("n"),
    ("batch_invocations.BatchInvocations.begin", "Invoke"): lambda cloud: BatchInvocations(
        cloud.client(), "f", _QUIET
    ).begin("p", "b"),
    ("shadow_copies.ShadowCopies._send", "Invoke"): _shadow,
}
PROBES: dict[tuple[str, str], Probe] = {
    (f"{service}_service.chalicelib.{service}.{place}", operation): probe
    for service, probes in {"ingest": _INGEST, "training": _TRAINING, "inference": _INFERENCE}.items()
    for (place, operation), probe in probes.items()
}
