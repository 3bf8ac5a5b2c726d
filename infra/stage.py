"""One deployment of Headrace: where it is and who we are there."""

import functools
import os
import re
import threading
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from infra.errors import InvalidStage

LOCAL = "local"
LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"
# CloudFront's web ACLs exist only there, and the edge stack with them.
EDGE_REGION = "us-east-1"
_NAME = re.compile(r"[a-z]{2,8}")
# `headrace-<service>-<stage>` and `headrace-<stage>-<thing>` must never be one name.
_RESERVED = {"ingest", "training"}
# Public by design: the local cloud answers this machine only, under these keys.
# boto3 sessions are not safe while two threads make clients of them.
_making = threading.Lock()
_LOCAL_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's name and place; `endpoint_url` is None on AWS, and the only difference to the local cloud."""

    name: str
    region: str
    account: str
    partition: str = "aws"
    endpoint_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that would not fit into the names of buckets and rules."""
        if not _NAME.fullmatch(self.name):
            raise InvalidStage(
                f"stage {self.name!r}: use two to eight small letters, such as 'prod' or 'dev'"
            )
        if self.name in _RESERVED:
            raise InvalidStage(f"stage {self.name!r}: a service is called so; choose another name")

    @classmethod
    def local(cls, endpoint_url: str) -> Self:
        """Return the stage on the local cloud at *endpoint_url*."""
        return cls(
            name=LOCAL, region=LOCAL_REGION, account=LOCAL_ACCOUNT, endpoint_url=endpoint_url.rstrip("/")
        )

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the stage *name* in the account and region of the caller's own AWS credentials.

        Raises
        ------
        InvalidStage
            No region is set, the account has no CloudFront, the name belongs to the local cloud, or the
            environment points to one.
        """
        import boto3

        if name == LOCAL:
            raise InvalidStage("stage 'local' is the local cloud's; choose another name on AWS")
        if url := os.environ.get("AWS_ENDPOINT_URL"):
            raise InvalidStage(f"stage {name!r}: AWS_ENDPOINT_URL is {url}; unset it and AWS_* to reach AWS")
        session = boto3.Session()
        # What other SDKs read first, boto3 does not read at all.
        region = os.environ.get("AWS_REGION") or session.region_name
        if region is None:
            raise InvalidStage(f"stage {name!r}: no AWS region is set; export AWS_REGION")
        identity = session.client("sts", region_name=region).get_caller_identity()
        partition = identity["Arn"].split(":")[1]
        if (
            partition != "aws"
        ):  # the edge would be the last to fail: neither China nor GovCloud has it in us-east-1
            raise InvalidStage(
                f"stage {name!r}: partition {partition} has no CloudFront that we know; use a standard AWS region"
            )
        return cls(name=name, region=region, account=identity["Account"], partition=partition)

    @property
    def is_prod(self) -> bool:
        """Say whether the stage gets what costs or hinders elsewhere: web ACL, deletion protection."""
        return self.name == "prod"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return *base* (nothing) with the AWS_* variables by which Chalice and `aws` reach the stage.

        For the local cloud every other AWS_* variable of *base* goes: a profile or session token is of AWS.
        """
        variables = {"AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}
        kept = dict(base or {})
        if self.endpoint_url is not None:
            kept = {name: value for name, value in kept.items() if not name.startswith("AWS_")}
            variables |= {**_LOCAL_KEYS, "AWS_ENDPOINT_URL": self.endpoint_url}
        return {**kept, **variables}

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client of *service*; one for each service, region and stage."""
        return _client(service, region or self.region, self.endpoint_url)


@functools.cache
def _session() -> Any:
    # One session, so that every client shares its loaded service models.
    import boto3

    return boto3.Session()


@functools.cache
def _client(service: str, region: str, endpoint_url: str | None) -> Any:
    from botocore.config import Config

    # A developer's own profile must never meet the local cloud, nor the other way round.
    keys: dict[str, str] = {}
    if endpoint_url is not None:
        keys = {
            "endpoint_url": endpoint_url,
            "aws_access_key_id": _LOCAL_KEYS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": _LOCAL_KEYS["AWS_SECRET_ACCESS_KEY"],
        }
    # API Gateway's control plane takes some ten calls a second; standard retries wait for it.
    config = Config(retries={"max_attempts": 8, "mode": "standard"}, max_pool_connections=20)
    with _making:
        return _session().client(service, region_name=region, config=config, **keys)
