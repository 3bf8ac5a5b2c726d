"""Where services are: at AWS's regional hosts, or wherever the environment says."""

import os
from collections.abc import Mapping

import msgspec

from shared.settings import ConfigurationError


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What AWS calls a service in its three languages: host, signature, environment variable."""

    host: str
    signing_name: str
    variable: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where one service is: ``origin`` is ``scheme://host[:port]``; ``is_aws`` unless the environment named it."""

    origin: str
    region: str
    signing_name: str
    is_aws: bool


S3 = Place(host="s3", signing_name="s3", variable="S3")
DYNAMODB = Place(host="dynamodb", signing_name="dynamodb", variable="DYNAMODB")
EVENT_BRIDGE = Place(host="events", signing_name="events", variable="EVENTBRIDGE")
SECRETS_MANAGER = Place(host="secretsmanager", signing_name="secretsmanager", variable="SECRETS_MANAGER")
SAGEMAKER_RUNTIME = Place(host="runtime.sagemaker", signing_name="sagemaker", variable="SAGEMAKER_RUNTIME")


def endpoint_of(place: Place, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return where *place* is, by the same variables that the SDKs read.

    Raises
    ------
    ConfigurationError
        No region is set, or the address is none.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError("no AWS region is set: export AWS_REGION")
    named = environ.get(f"AWS_ENDPOINT_URL_{place.variable}") or environ.get("AWS_ENDPOINT_URL")
    return Endpoint(
        origin=_origin(named) if named else f"https://{place.host}.{region}.amazonaws.com",
        region=region,
        signing_name=place.signing_name,
        is_aws=not named,
    )


def _origin(url: str) -> str:
    origin = url.rstrip("/")
    scheme, _, host = origin.partition("://")
    # A path would have to go before every path that is signed; no cloud of ours has one.
    if scheme not in {"http", "https"} or not host or "/" in host or "@" in host:
        raise ConfigurationError(f"AWS_ENDPOINT_URL {url!r}: use http(s)://host[:port]")
    return origin
