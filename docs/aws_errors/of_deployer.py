"""The call sites of the deployer: an error passes through to the command, but where a function looks at it first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from botocore import xform_name

from docs.aws_errors.clouds import Cloud, refusal
from docs.aws_errors.documented import Fault
from docs.aws_errors.of_operator import told
from docs.aws_errors.of_shared import Probe
from docs.aws_errors.sites import Site
from infra import (
    harden,
    job_code,
    own_key,
    rebuild,
    recipe_store,
    records,
    services,
    stacks,
    subscription,
    tags,
)
from infra.calls import Call, send
from infra.planning import quotas
from infra.records import Record, Stored
from infra.removal import chalice_made, logs, sagemaker
from infra.stage import Stage

_FILE = Path(__file__)
_FUNCTION = {"resource_type": "lambda_function", "lambda_arn": "arn:f"}
_API = {"resource_type": "rest_api", "rest_api_id": "a"}
_RECORD = Record(fingerprint="f", code={"f": "c"}, chalice={"resources": [_FUNCTION, _API]})
_STORED = Stored(record=_RECORD, etag="e")
_QUOTA = quotas.NEEDED[0]
_UNKNOWN = {
    "head_object": Fault(code="404", status=404),
    "get_service_quota": Fault(code="NoSuchResourceException"),
}


class _Stage:
    """A stage whose clients are the cloud's; ``unknown`` are operations that find nothing."""

    name = "dev"
    region = "eu-west-1"
    account = "0"
    partition = "aws"

    def __init__(self, cloud: Cloud, *unknown: str, **answers: Any) -> None:
        self._cloud = cloud
        self._answers = answers | {name: [refusal(_UNKNOWN[name])] for name in unknown}

    def client(self, service: str, region: str = "") -> Any:
        """Return a client of *service*."""
        return self._cloud.client_of(service, **self._answers)


def _stage(cloud: Cloud, *unknown: str, **answers: Any) -> Stage:
    return cast("Stage", _Stage(cloud, *unknown, **answers))


def plainly(site: Site) -> Probe:
    """Return what makes a call that nothing but the command looks at, and one that was planned as it is sent."""

    def probe(cloud: Cloud) -> None:
        stage, operation = _stage(cloud), xform_name(site.operation)
        if site.done_if is None:
            getattr(stage.client(site.service), operation)()
            return
        cloud.is_passing = True
        call = Call(what="w", service=site.service, operation=operation, request={}, done_if=site.done_if)
        send(stage, [call], pause_s=0.0)

    return told(probe)


def _draw(calls: Iterator[Call]) -> None:
    """Plan calls without sending them; what is looked at for the plan is asked for."""
    for _ in calls:
        return


def _save(cloud: Cloud) -> None:
    records.save(_stage(cloud), "b", "ingest", _RECORD, instead_of=_STORED)


def _package(cloud: Cloud) -> None:
    packages = {"ModelPackageSummaryList": [{"ModelPackageArn": "a"}]}
    listed = {} if cloud.is_of("ListModelPackages") else {"list_model_packages": packages}
    rebuild._package(_stage(cloud, **listed), "p", "s")


def _runs(cloud: Cloud) -> None:
    services.runs(_stage(cloud), _RECORD)


def _found_quota(cloud: Cloud) -> None:
    unknown = [] if cloud.is_of("GetServiceQuota") else ["get_service_quota"]
    default = {"Quota": {"Value": 1.0}} if cloud.is_of("GetServiceQuota") else {}
    quotas._found(
        _stage(cloud, *unknown, get_aws_default_service_quota=default).client("service-quotas"), _QUOTA
    )


def _removed(remove: Any) -> Probe:
    return lambda cloud: _draw(remove(_stage(cloud), "n"))


_DEPLOYER: dict[tuple[str, str], Probe] = {
    ("harden._targets", "ListTargetsByRule"): lambda cloud: harden._targets(_stage(cloud), "r"),
    ("harden._role_policy", "GetRolePolicy"): lambda cloud: harden._role_policy(cloud.client_of("iam"), "r"),
    ("harden._invoke_config", "GetFunctionEventInvokeConfig"): lambda cloud: harden._invoke_config(
        cloud.client_of("lambda"), "f"
    ),
    ("job_code._upload", "HeadObject"): lambda cloud: job_code._upload(_stage(cloud), "b", "k", _FILE),
    ("job_code._upload", "PutObject"): lambda cloud: job_code._upload(
        _stage(cloud, "head_object"), "b", "k", _FILE
    ),
    ("recipe_store._upload", "HeadObject"): lambda cloud: recipe_store._upload(
        _stage(cloud), "b", _FILE, "s"
    ),
    ("recipe_store._upload", "PutObject"): lambda cloud: recipe_store._upload(
        _stage(cloud, "head_object"), "b", _FILE, "s"
    ),
    ("own_key.check_key", "DescribeKey"): lambda cloud: own_key.check_key(_stage(cloud), "k"),
    ("planning.quotas._found", "GetServiceQuota"): _found_quota,
    ("planning.quotas._found", "GetAWSDefaultServiceQuota"): _found_quota,
    ("rebuild._read", "GetObject"): lambda cloud: rebuild._read(cloud.client_of("s3"), "b", "k"),
    ("rebuild._package", "ListModelPackages"): _package,
    ("rebuild._package", "DescribeModelPackage"): _package,
    ("records.read", "GetObject"): lambda cloud: records.read(_stage(cloud), "b", "ingest"),
    ("records.save", "PutObject"): _save,
    ("removal.chalice_made.find_records", "ListObjectsV2"): lambda cloud: chalice_made.find_records(
        _stage(cloud)
    ),
    ("removal.logs.find_streams", "DescribeLogStreams"): lambda cloud: logs.find_streams(_stage(cloud)),
    ("removal.sagemaker.remove_endpoint", "DescribeEndpoint"): _removed(sagemaker.remove_endpoint),
    ("removal.sagemaker.remove_training_job", "DescribeTrainingJob"): _removed(sagemaker.remove_training_job),
    ("removal.sagemaker.remove_processing_job", "DescribeProcessingJob"): _removed(
        sagemaker.remove_processing_job
    ),
    ("services.runs", "GetRestApi"): _runs,
    ("services._code_of", "GetFunctionConfiguration"): _runs,
    ("stacks._create_or_update", "CreateStack"): lambda cloud: stacks._create_or_update(
        cloud.client(), {}, exists=False
    ),
    ("stacks._create_or_update", "UpdateStack"): lambda cloud: stacks._create_or_update(
        cloud.client(), {}, exists=True
    ),
    ("stacks._describe", "DescribeStacks"): lambda cloud: stacks._describe(cloud.client(), "s"),
    ("subscription._is_permitted", "GetPolicy"): lambda cloud: subscription._is_permitted(
        cloud.client(), "f"
    ),
    ("subscription._filter", "DescribeSubscriptionFilters"): lambda cloud: subscription._filter(
        cloud.client(), "g"
    ),
    ("tags._log_group", "ListTagsForResource"): lambda cloud: _draw(tags._log_group(_stage(cloud), "g")),
}
PROBES: dict[tuple[str, str], Probe] = {
    (f"infra.{place}", operation): told(probe) for (place, operation), probe in _DEPLOYER.items()
}
