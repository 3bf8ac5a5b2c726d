"""Which variant answers a request, and which shadow gets a copy of it."""

import random

from localcloud.sagemaker.endpoint_rows import weight_of
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.fleets import Fleet
from localcloud.sagemaker.store import Row, Scope


def choose_variant(fleet: Fleet, wanted: str | None, name: str, scope: Scope) -> Row:
    """Return the variant that was asked for by TargetVariant, or one drawn by weight."""
    if wanted is not None:
        for variant in fleet.variants:
            if variant["VariantName"] == wanted:
                return variant
        raise ApiError(
            "ValidationError", f"Variant {wanted} not found for endpoint {name} of account {scope.account}."
        )
    weights = [weight_of(variant) for variant in fleet.variants]
    # All weights zero is allowed; AWS then spreads evenly.
    chosen: Row = random.choices(fleet.variants, weights if sum(weights) > 0 else None)[0]  # noqa: S311 - traffic, not secrets
    return chosen


def choose_shadow(fleet: Fleet) -> Row | None:
    """Return the shadow that gets a copy: of all requests, or of the part that its weight is of its production variant's."""
    for shadow in fleet.shadows:
        production = weight_of(fleet.variants[0])
        if random.random() * production < weight_of(shadow):  # noqa: S311 - traffic, not secrets
            return shadow
    return None
