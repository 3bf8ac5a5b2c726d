"""Endpoint configurations: which variants go together, and what a serverless one cannot have."""

from collections.abc import Callable
from typing import Final

from localcloud.sagemaker import errors
from localcloud.sagemaker.store import Row

_SERVERLESS_STEP_MB: Final = 1024


def check_config(request: Row, model_of: Callable[[str], Row]) -> None:
    """Raise unless every variant has a model and all of them can serve together.

    Parameters
    ----------
    request
        A CreateEndpointConfig request that fits its shape.
    model_of
        Returns a model by its name, or raises AWS's error for one that is not there.
    """
    production, shadows = request["ProductionVariants"], request.get("ShadowProductionVariants") or []
    for variant in [*production, *shadows]:
        _check_variant(variant, model_of)
    _check_names([*production, *shadows])
    _check_shadows(production, shadows)
    if any(variant.get("ServerlessConfig") for variant in [*production, *shadows]):
        _check_serverless_config(request)


def _check_variant(variant: Row, model_of: Callable[[str], Row]) -> None:
    name = variant["VariantName"]
    if not variant.get("ModelName"):
        raise errors.unsupported(f"variant {name} names a ModelName (no inference components)")
    model = model_of(variant["ModelName"])
    if variant.get("ServerlessConfig"):
        _check_serverless(variant, model)
    elif not variant.get("InstanceType"):
        raise errors.validation(
            f"Invalid production variant {name}: InstanceType and InitialInstanceCount, or ServerlessConfig, are required."
        )


def _check_serverless(variant: Row, model: Row) -> None:
    """Hold a serverless variant to what AWS documents: sizes in steps of 1 GB, no instances, no isolation."""
    serverless = variant["ServerlessConfig"]
    memory = serverless["MemorySizeInMB"]
    if memory % _SERVERLESS_STEP_MB:
        raise errors.validation(
            f"Invalid MemorySizeInMB {memory}: valid values are 1024, 2048, 3072, 4096, 5120 and 6144."
        )
    check_concurrency(serverless)
    if variant.get("InstanceType") or variant.get("InitialInstanceCount"):
        raise errors.validation(
            "Instance Type and Initial Instance Count can not be specified with ServerlessConfig."
        )
    if model.get("EnableNetworkIsolation"):
        raise errors.validation(
            "Serverless Inference does not support network isolation. Disable EnableNetworkIsolation of the model."
        )


def check_concurrency(serverless: Row) -> None:
    """Refuse more concurrency provisioned than there may be at all."""
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise errors.validation("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")


def _check_serverless_config(request: Row) -> None:
    """Refuse what serverless endpoints lack (developer guide, serverless-endpoints, feature exclusions)."""
    lacking = {
        "multiple production variants": len(request["ProductionVariants"]) > 1,
        "shadow variants": bool(request.get("ShadowProductionVariants")),
        "data capture": bool(request.get("DataCaptureConfig")),
        "asynchronous inference": bool(request.get("AsyncInferenceConfig")),
    }
    for what, is_wanted in lacking.items():
        if is_wanted:
            raise errors.validation(f"Serverless Inference does not support {what}.")


def _check_names(variants: list[Row]) -> None:
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise errors.validation(f"Duplicate production variant names: {', '.join(sorted(names))}.")


def _check_shadows(production: list[Row], shadows: list[Row]) -> None:
    # API reference: with ShadowProductionVariants there is one of each.
    if shadows and (len(production), len(shadows)) != (1, 1):
        raise errors.validation(
            "With ShadowProductionVariants, exactly one ProductionVariant and one ShadowProductionVariant are allowed."
        )
