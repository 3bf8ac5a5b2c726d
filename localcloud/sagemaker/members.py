"""Members of AWS's requests that nothing here does: refused where they would change what comes out, accepted where not.

`model.py` checks a request against botocore's model, so every member of AWS's API gets this far. Whoever writes one that
is not done here must hear of it, or have lost nothing: a test holds every member of every operation to one of four
lists, what the code does, and the three of this module. A new botocore with a new member fails that test.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Final

from localcloud.sagemaker import errors, model
from localcloud.sagemaker.store import Row

_VARIANTS: Final = ("ProductionVariants", "ShadowProductionVariants")
_CONTAINERS: Final = ("PrimaryContainer", "Containers")
_COMPONENTS: Final = "there are no inference components"
_ONE_TYPE: Final = "a job names the one InstanceType it runs on"
_HUB: Final = "there are no hubs"


def _paths_in_each(members: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths in each of members that hold the same kind of thing."""
    return tuple(f"{member}.{path}" for member in members for path in paths)


def _in_each(members: Iterable[str], rules: dict[str, str]) -> dict[str, str]:
    """Return the rule of each path in each of members that hold the same kind of thing."""
    return {path: rules[path.partition(".")[2]] for path in _paths_in_each(members, rules)}


# By operation and path: what holds here instead. A path goes through lists as if they were their elements.
REFUSED: Final[dict[str, dict[str, str]]] = {
    "CreateTrainingJob": {
        "AlgorithmSpecification.AlgorithmName": "a job names its TrainingImage (there are no algorithm resources)",
        "AlgorithmSpecification.TrainingImageConfig": "images are environments on this machine",
        "InputDataConfig.DataSource.S3DataSource.AttributeNames": "there are no augmented manifests",
        "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames": "a job has exactly one instance",
        "InputDataConfig.DataSource.S3DataSource.HubAccessConfig": _HUB,
        "InputDataConfig.DataSource.FileSystemDataSource": "channels read from S3",
        "InputDataConfig.DataSource.DatasetSource": "channels read from S3",
        "InputDataConfig.ShuffleConfig": "objects come in the order of their keys",
        "ResourceConfig.KeepAlivePeriodInSeconds": "there are no warm pools",
        "ResourceConfig.InstanceGroups": "a job has exactly one instance",
        "ResourceConfig.TrainingPlanArn": "there are no training plans",
        "ResourceConfig.InstancePreferences": _ONE_TYPE,
        "ResourceConfig.SelectedInstanceType": _ONE_TYPE,
        "ResourceConfig.SelectedInstanceCount": _ONE_TYPE,
        "DebugRuleConfigurations": "there are no debugger rules",
        "ProfilerRuleConfigurations": "there are no profiler rules",
        "TensorBoardOutputConfig": "TensorBoard's files are not uploaded; a checkpoint or an output is",
        "ServerlessJobConfig": "a job has an image and an instance",
        "MlflowConfig": "there is no MLflow",
        "ModelPackageConfig": "a job registers no model package by itself",
    },
    "CreateProcessingJob": {
        "ProcessingInputs.DatasetDefinition": "inputs are S3Inputs",
        "ProcessingOutputConfig.Outputs.FeatureStoreOutput": "there is no feature store",
        "ProcessingResources.ClusterConfig.InstancePreferences": _ONE_TYPE,
        "ProcessingResources.ClusterConfig.SelectedInstanceType": _ONE_TYPE,
        "ProcessingResources.ClusterConfig.SelectedInstanceCount": _ONE_TYPE,
    },
    "CreateTransformJob": {"DataCaptureConfig": "a transform job does not capture"},
    "CreateModel": _in_each(
        _CONTAINERS,
        {
            "AdditionalModelDataSources": "a container has one source of model data",
            "ContainerMetricsConfig": "metrics are those of invocations",
            "InferenceSpecificationName": "a container names its Image (no model packages)",
            "ModelPackageName": "a container names its Image (no model packages)",
            "MultiModelConfig": "a container serves one model",
            "ModelDataSource.S3DataSource.ETag": "model data is the newest of its key",
            "ModelDataSource.S3DataSource.ManifestEtag": "model data has no manifest",
            "ModelDataSource.S3DataSource.ManifestS3Uri": "model data has no manifest",
            "ModelDataSource.S3DataSource.HubAccessConfig": _HUB,
        },
    ),
    "CreateEndpointConfig": _in_each(
        _VARIANTS,
        {
            "AcceleratorType": "there are no accelerators",
            "CoreDumpConfig": "a process that ends badly leaves no core dump",
            "InstancePools": "a variant names the one InstanceType it runs on",
        },
    )
    | {
        "ExecutionRoleArn": f"containers act as their model's role ({_COMPONENTS})",
        "ExplainerConfig": "there is no explainer beside the container",
        "AsyncInferenceConfig.OutputConfig.NotificationConfig.IncludeInferenceResponseIn": (
            "notifications name the place of an answer, never the answer itself"
        ),
    },
    "CreateModelPackageGroup": {"ManagedConfiguration": "a group is managed by its owner"},
    "CreateModelPackage": {
        # They would start work, or need a marketplace.
        "CertifyForMarketplace": "there is no marketplace",
        "SourceAlgorithmSpecification": "there are no algorithm resources",
        "ValidationSpecification": "a package is not validated by transform jobs",
    },
    "InvokeEndpoint": {
        "TargetContainerHostname": "a model has exactly one container",
        "EnableExplanations": "there is no explainer beside the container",
        "InferenceComponentName": _COMPONENTS,
        "SessionId": "there are no sessions",
    },
    "InvokeEndpointAsync": {
        "Body": "a request waits in S3, at its InputLocation",
        "Filename": "an answer is called after its request",
        "S3OutputPathExtension": "answers lie directly under S3OutputPath",
    },
}

# What one machine has not (networks, volumes, keys of its own), what only AWS's consoles show, and how patient AWS is.
WITHOUT_EFFECT: Final[dict[str, tuple[str, ...]]] = {
    "CreateTrainingJob": (
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
        "DebugHookConfig",
        "ExperimentConfig",
        "InfraCheckConfig",
        "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
        "ProfilerConfig",
        "RemoteDebugConfig",
        "ResourceConfig.InstancePlacementConfig",
        "ResourceConfig.VolumeKmsKeyId",
        "ResourceConfig.VolumeSizeInGB",
        "RetryStrategy",
        "SessionChainingConfig",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "VpcConfig",
    ),
    "CreateProcessingJob": (
        "NetworkConfig.VpcConfig",
        "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "ProcessingResources.ClusterConfig.VolumeSizeInGB",
    ),
    "CreateTransformJob": (
        "ExperimentConfig",
        "TransformResources.TransformAmiVersion",
        "TransformResources.VolumeKmsKeyId",
    ),
    "CreateModel": (
        "InferenceExecutionConfig",
        "VpcConfig",
        *_paths_in_each(
            _CONTAINERS,
            ("ContainerHostname", "ImageConfig", "ModelDataSource.S3DataSource.ModelAccessConfig"),
        ),
    ),
    "CreateEndpointConfig": (
        "MetricsConfig",
        "VpcConfig",
        *_paths_in_each(
            _VARIANTS,
            (
                "CapacityReservationConfig",
                "EnableSSMAccess",
                "InferenceAmiVersion",
                "ManagedInstanceScaling",
                "ModelDataDownloadTimeoutInSeconds",
                "RoutingConfig",
                "VariantInstanceProvisionTimeoutInSeconds",
                "VolumeSizeInGB",
            ),
        ),
    ),
    "CreateEndpoint": ("DeploymentConfig.RollingUpdatePolicy.RollbackMaximumBatchSize",),
    "UpdateEndpoint": ("DeploymentConfig.RollingUpdatePolicy.RollbackMaximumBatchSize",),
    "InvokeEndpoint": ("PrefixAwareId",),
}

# What is kept and described as it came, and nothing else is done with it.
KEPT: Final[dict[str, tuple[str, ...]]] = {
    "CreateProcessingJob": ("ExperimentConfig",),
    "CreateModelPackageGroup": ("ModelPackageGroupDescription",),
    "CreateModelPackage": (
        "AdditionalInferenceSpecifications",
        "Domain",
        "DriftCheckBaselines",
        "InferenceSpecification",
        "ManagedStorageType",
        "MetadataProperties",
        "ModelCard",
        "ModelLifeCycle",
        "ModelMetrics",
        "ModelPackageDescription",
        "SamplePayloadUrl",
        "SecurityConfig",
        "SkipModelValidation",
        "Task",
    ),
    "UpdateModelPackage": (
        "AdditionalInferenceSpecificationsToAdd",
        "InferenceSpecification",
        "ModelCard",
        "ModelLifeCycle",
    ),
}


def refuse(operation: str, request: Row) -> None:
    """Raise for the first member of a request that this machine cannot do and must not ignore."""
    for path, rule in REFUSED.get(operation, {}).items():
        if any(_values(request, path.split("."))):
            raise errors.unsupported(f"{path}: {rule}")


def refuse_invocation(operation: str, headers: dict[str, str], body: bytes) -> None:
    """Raise for the first member of an invocation that is not done here; there all but the body are headers."""
    for member, header in _refused_headers(operation).items():
        if headers.get(header) if header else body:
            rule = REFUSED[operation][member]
            raise errors.ApiError("ValidationError", f"The local SageMaker cannot do this: {member}: {rule}.")


@functools.cache
def _refused_headers(operation: str) -> dict[str, str]:
    """Return the header of each refused member as requests here spell them; none is the body's."""
    shape: Any = model.runtime_model().operation_model(operation).input_shape
    return {
        name: str(shape.members[name].serialization.get("name", "")).lower()
        for name in REFUSED.get(operation, {})
    }


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what is at the path, in every element of the lists on the way."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        yield from _values(value.get(path[0]), path[1:])
