"""Each Lambda may do what its policy file says, and is denied everything else."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.clouds import ROOT
from tests.security.policies import SERVICES, functions, grants, statements
from tests.stage import Stage

ACCOUNT, REGION = "000000000000", "us-east-1"
BUCKETS = ("incoming", "data", "models", "site")
TABLES = {
    "pipelines": {"kind": "pipeline", "pipeline": "probe"},
    "datasets": {"pipeline": "#probe", "version": "x"},
    "jobs": {"job_id": "#probe"},
    "models": {"pipeline": "#probe", "version": "x"},
    "releases": {"pipeline": "#probe", "entry": "x"},
    "tokens": {"token_sha256": "#probe"},
    "idempotency": {"id": "#probe"},
}


class Probe(msgspec.Struct, frozen=True):
    """A call that any function might try and most must not."""

    action: str
    resource: str
    service: str
    method: str
    arguments: dict[str, Any]


def probes() -> Iterator[Probe]:
    """Yield calls on every kind of resource."""
    for bucket in BUCKETS:
        name = f"headrace-local-{ACCOUNT}-{bucket}"
        where = {"Bucket": name, "Key": "probe/x"}
        for action in ("GetObject", "PutObject", "DeleteObject"):
            method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
            yield Probe(f"s3:{action}", f"arn:aws:s3:::{name}/probe/x", "s3", method, where)
    for table, key in TABLES.items():
        name = f"headrace-local-{table}"
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
        item = {k: {"S": v} for k, v in key.items()}
        yield Probe("dynamodb:GetItem", arn, "dynamodb", "get_item", {"TableName": name, "Key": item})
        yield Probe("dynamodb:PutItem", arn, "dynamodb", "put_item", {"TableName": name, "Item": item})
        yield Probe("dynamodb:DeleteItem", arn, "dynamodb", "delete_item", {"TableName": name, "Key": item})
        yield Probe("dynamodb:Scan", arn, "dynamodb", "scan", {"TableName": name})
        yield Probe("dynamodb:DeleteTable", arn, "dynamodb", "delete_table", {"TableName": name})
    at = f"{REGION}:{ACCOUNT}"
    function = {"FunctionName": "headrace-ingest-local"}
    job, endpoint = f"arn:aws:sagemaker:{at}:training-job/probe", f"arn:aws:sagemaker:{at}:endpoint/probe"
    invocation = {"EndpointName": "probe", "Body": b"{}"}
    yield Probe(
        "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/evil", "iam", "create_user", {"UserName": "evil"}
    )
    yield Probe(
        "lambda:InvokeFunction",
        f"arn:aws:lambda:{at}:function:headrace-ingest-local",
        "lambda",
        "invoke",
        function,
    )
    yield from processing_probes(at)
    yield Probe(
        "sagemaker:StopTrainingJob", job, "sagemaker", "stop_training_job", {"TrainingJobName": "probe"}
    )
    yield Probe(
        "sagemaker:DeleteEndpoint", endpoint, "sagemaker", "delete_endpoint", {"EndpointName": "probe"}
    )
    yield Probe("sagemaker:InvokeEndpoint", endpoint, "sagemaker-runtime", "invoke_endpoint", invocation)


def processing_probes(at: str) -> Iterator[Probe]:
    """Yield calls on a processing job of the ingest service and on somebody else's."""
    for name in (f"headrace-local-ingest-{'0' * 20}-a1", "probe"):
        arn = f"arn:aws:sagemaker:{at}:processing-job/{name}"
        where = {"ProcessingJobName": name}
        yield Probe("sagemaker:DescribeProcessingJob", arn, "sagemaker", "describe_processing_job", where)
        yield Probe("sagemaker:StopProcessingJob", arn, "sagemaker", "stop_processing_job", where)


PROBES = list(probes())
FUNCTIONS = {
    "ingest": ("", "-bearer", "-on_object_created", "-on_processing_job_state_change", "-reconcile"),
    "training": (
        "",
        "-bearer",
        "-on_dataset_version_ready",
        "-on_drift_detected",
        "-on_pipeline_deleted",
        "-on_training_job_state_change",
        "-on_model_package_state_change",
        "-reconcile",
    ),
    "inference": (
        "",
        "-bearer",
        "-shadow",
        "-prediction_log",
        "-batch",
        "-on_model_version_approved",
        "-on_pipeline_deleted",
        "-on_endpoint_state_change",
        "-on_transform_job_state_change",
        "-monitor",
        "-reconcile",
    ),
}
NAMES = [f"headrace-{service}-local{suffix}" for service, all_of in FUNCTIONS.items() for suffix in all_of]


def clients_of(stage: Stage, function: str) -> Callable[[str], Any]:
    """Return clients that act with the role of *function*."""
    role = stage.aws("lambda").get_function_configuration(FunctionName=function)["Role"]
    got: Mapping[str, str] = stage.aws("sts").assume_role(RoleArn=role, RoleSessionName="probe")[
        "Credentials"
    ]
    return lambda service: boto3.client(
        service,
        endpoint_url=stage.url,
        region_name=REGION,
        aws_access_key_id=got["AccessKeyId"],
        aws_secret_access_key=got["SecretAccessKey"],
        aws_session_token=got["SessionToken"],
    )


def is_denied(client: Any, probe: Probe) -> bool:
    """Say whether IAM refused the call; any other answer means that it was let through."""
    try:
        getattr(client, probe.method)(**probe.arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "403"}
    return False


@pytest.mark.parametrize("function", NAMES)
def test_a_function_is_denied_exactly_what_its_policy_does_not_grant(stage: Stage, function: str) -> None:
    policy = dict(functions(stage.root))[function]
    clients = clients_of(stage, function)
    wrong = []
    for probe in PROBES:
        granted = grants(policy, probe.action, probe.resource)
        if granted and probe.method.startswith(("put", "delete")):
            continue  # a granted write would leave something behind; what it grants is used elsewhere
        if is_denied(clients(probe.service), probe) == granted:
            wrong.append(f"{probe.action} on {probe.resource} is {'denied' if granted else 'allowed'}")
    assert wrong == []


def test_every_function_of_the_stage_has_a_policy_of_its_own(stage: Stage) -> None:
    listed = functions(stage.root)
    assert sorted(name for name, _ in listed) == sorted(NAMES)
    assert len({policy for _, policy in listed}) == len(listed)


def templates() -> list[Path]:
    """Return the committed policy templates."""
    return [
        path
        for service in SERVICES
        for path in sorted((ROOT / f"{service}_service" / ".chalice" / "templates").glob("policy-*.json"))
    ]


@pytest.mark.parametrize("policy", templates(), ids=lambda path: f"{path.parents[2].name}/{path.stem}")
def test_no_policy_has_a_wildcard_action_or_an_unexplained_wildcard_resource(policy: Path) -> None:
    # These AWS actions accept no narrower resource.
    lists = ("TrainingJobs", "Endpoints", "EndpointConfigs", "Models")
    without_resource = {f"sagemaker:List{kind}".lower() for kind in lists}
    for statement in statements(policy):
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert "*" not in action, action
        if "*" in statement["Resource"]:
            assert {a.lower() for a in statement["Action"]} <= without_resource, json.dumps(statement)


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_may_write_another_services_table(service: str) -> None:
    own = {
        "ingest": {"PipelinesTable", "DatasetsTable"},
        "training": {"JobsTable", "ModelsTable"},
        "inference": {"ReleasesTable", "PredictionsTable"},
    }[service] | {"IdempotencyTable"}
    writes = {"dynamodb:putitem", "dynamodb:updateitem", "dynamodb:deleteitem"}
    for policy in templates():
        if policy.parents[2].name != f"{service}_service":
            continue
        for statement in statements(policy):
            if {a.lower() for a in statement["Action"]} & writes:
                for resource in statement["Resource"]:
                    assert any(f"${{{table}}}" in resource for table in own), (policy.name, resource)


@pytest.mark.parametrize("function", [name for name in NAMES if name.endswith("reconcile")])
def test_a_function_announces_only_in_its_own_services_name(stage: Stage, function: str) -> None:
    events = clients_of(stage, function)("events")
    own = function.split("-")[1]
    for service in SERVICES:
        entry = {"Source": f"headrace.local.{service}", "DetailType": "Probe", "Detail": "{}"}
        probe = Probe("events:PutEvents", "", "events", "put_events", {"Entries": [entry]})
        assert is_denied(events, probe) == (service != own), service


def grants_of(policies: list[Path]) -> set[tuple[str, str]]:
    """Return every (action, resource) of policy templates, without what names the function itself."""
    return {
        (action.lower(), resource)
        for policy in policies
        for statement in statements(policy)
        for action in statement["Action"]
        for resource in statement["Resource"]
        # An index is read only, whatever else its table's statement says of it.
        if ":log-group:/aws/lambda/" not in resource and ("/index/" not in resource or "Query" in action)
    }


# What only a clock leads to: looking for work, and for what nobody needs any more.
ONLY_THE_CLOCK = {
    "dynamodb:query",
    "dynamodb:getitem",
    "s3:listbucketversions",
    "sagemaker:listendpoints",
    "sagemaker:listendpointconfigs",
    "sagemaker:listmodels",
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_reconciler_may_do_what_the_others_of_its_service_may_and_look_around(service: str) -> None:
    own = [policy for policy in templates() if policy.parents[2].name == f"{service}_service"]
    reconciler = [policy for policy in own if policy.stem == "policy-reconcile"]
    others = grants_of([policy for policy in own if policy not in reconciler])
    more = {grant for grant in grants_of(reconciler) - others if grant[0] not in ONLY_THE_CLOCK}
    assert more == set()
