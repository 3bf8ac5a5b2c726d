"""What an endpoint's row holds: what it took from its configuration, and what Describe shows of that."""

import time
from typing import Any, Final

from localcloud.sagemaker import endpoint_configs, errors, hosting
from localcloud.sagemaker.store import Row

# The states in which an endpoint answers: what serves goes on while an update is on its way.
SERVING: Final = ("InService", "Updating", "SystemUpdating", "RollingBack")
_SETTLED: Final = ("InService", "Failed")
# The member of a variant that is meant by a property that can change, or be retained.
_PROPERTIES: Final = {"DesiredWeight": "InitialVariantWeight", "DesiredInstanceCount": "InitialInstanceCount"}


def from_config(config: Row, models: dict[str, Row]) -> Row:
    """Return the members an endpoint takes from its configuration.

    Copied, so that deleting configuration and models changes nothing that runs or restarts.
    """
    return {
        "EndpointConfigName": config["EndpointConfigName"],
        "_Variants": config["ProductionVariants"],
        "_Shadows": config.get("ShadowProductionVariants") or [],
        "_Models": models,
        "_Capture": config.get("DataCaptureConfig"),
        "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
    }


def shown(row: Row) -> Row:
    """Return what Describe tells of an endpoint in service."""
    return {
        "ProductionVariants": [_summary(variant, row) for variant in row["_Variants"]],
        "ShadowProductionVariants": [_summary(variant, row) for variant in row.get("_Shadows") or []] or None,
        "DataCaptureConfig": _capture_summary(row.get("_Capture")),
    }


def weight_of(variant: Row) -> float:
    """Return a variant's share of the traffic, relative to the others."""
    return float(variant.get("InitialVariantWeight", 1.0))


def begin(row: Row, status: str) -> None:
    """Move an endpoint at rest to the state of a change; one that is changing already refuses, as on AWS."""
    if row["EndpointStatus"] not in _SETTLED:
        raise errors.validation(f'Cannot update in-progress endpoint "{row["EndpointArn"]}".')
    if row["EndpointStatus"] == "Failed" and status != "Deleting":
        raise errors.validation(
            f'Cannot update endpoint "{row["EndpointArn"]}" in status Failed: it can only be deleted.'
        )
    row["EndpointStatus"] = status
    # The reason why an update failed is told until the next one begins.
    row.pop("FailureReason", None)


def change_variants(row: Row, wanted: list[Row]) -> None:
    """Give variants other weights, instance counts or serverless concurrency; every name must be one of the endpoint's."""
    variants = {variant["VariantName"]: variant for variant in row["_Variants"]}
    unknown = [item["VariantName"] for item in wanted if item["VariantName"] not in variants]
    if unknown:
        raise errors.validation(
            f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint configuration '
            f'"{row["EndpointConfigName"]}".'
        )
    for item in wanted:
        _change_variant(variants[item["VariantName"]], item)


def _change_variant(variant: Row, wanted: Row) -> None:
    variant |= {member: wanted[kind] for kind, member in _PROPERTIES.items() if kind in wanted}
    if serverless := wanted.get("ServerlessUpdateConfig"):
        if not variant.get("ServerlessConfig"):
            raise errors.validation(f"Variant {variant['VariantName']} is not serverless.")
        variant["ServerlessConfig"] |= serverless
        endpoint_configs.check_concurrency(variant["ServerlessConfig"])


def retained(before: Row, wanted: Row, request: Row) -> Row:
    """Return the wanted members; with RetainAllVariantProperties the weights, counts and capture of now, but for those excluded."""
    if not request.get("RetainAllVariantProperties"):
        return wanted
    excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties") or []]
    members = [member for kind, member in _PROPERTIES.items() if kind not in excluded]
    now = {variant["VariantName"]: variant for variant in before["_Variants"]}
    variants = [
        variant | _picked(now.get(variant["VariantName"], {}), members) for variant in wanted["_Variants"]
    ]
    capture = {} if "DataCaptureConfig" in excluded else {"_Capture": before.get("_Capture")}
    return wanted | capture | {"_Variants": variants}


def _picked(variant: Row, members: list[str]) -> Row:
    return {name: variant[name] for name in members if name in variant}


def _summary(variant: Row, row: Row) -> dict[str, Any]:
    weight = weight_of(variant)
    image = hosting.container_of(row["_Models"][variant["VariantName"]])["Image"]
    summary = {
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": row["CreationTime"]}
        ],
    }
    if serverless := variant.get("ServerlessConfig"):
        return summary | {"CurrentInstanceCount": 0, "CurrentServerlessConfig": serverless}
    count = variant.get("InitialInstanceCount", 1)
    return summary | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _capture_summary(capture: Row | None) -> Row | None:
    if not capture:
        return None
    is_on = capture.get("EnableCapture", True)
    return {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }


def pending(row: Row, status: str, message: str) -> Row:
    """Return the PendingDeploymentSummary of an endpoint that becomes what *row* says."""
    stage = {"Status": status, "StatusMessage": message, "StartTime": time.time()}
    variants = [_summary(variant, row) | {"VariantStatus": [stage]} for variant in row["_Variants"]]
    return {
        "EndpointConfigName": row["EndpointConfigName"],
        "ProductionVariants": variants,
        "StartTime": time.time(),
    }
