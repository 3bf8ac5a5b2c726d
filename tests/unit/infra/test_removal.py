"""One of everything is there, also of what only SageMaker or a broken edge leaves: what is called, and in what order."""

from pathlib import Path
from typing import Any

import pytest

from infra import destroy as destroying
from infra import stage as stages
from infra.destroy import Removal, destroy
from infra.removal import chalice_made, front, kinds, logs, sagemaker, stacks, storage, table, tagged
from infra.stage import Stage
from tests.aws_calls import NOT_THERE, Answer, Noted, Recorder, as_method, operations_in

PROD = Stage(name="prod", region="eu-west-1", account="111122223333")
OURS = "headrace-prod-"
GONE: Answer = {"Error": {"Code": "ValidationException", "Message": "Could not find it"}}
# A key that waits to go, and a job that SageMaker keeps for ever.
TAGGED: Answer = {
    "ResourceTagMappingList": [
        {"ResourceARN": arn, "Tags": []}
        for arn in (
            "arn:aws:kms:eu-west-1:1:key/k2",
            "arn:aws:sagemaker:eu-west-1:1:transform-job/headrace-prod-batch-0-a1",
        )
    ]
}


def once(answer: Answer, empty: Answer) -> list[Answer]:
    """Return a list's answers: what is there at first, nothing afterwards."""
    return [answer, empty]


class Stacks:
    """Answers for the stacks: the edge's is there once, the foundation twice; one asked for by name is gone."""

    def __init__(self) -> None:
        self.lists = [
            [
                stack(f"{OURS}foundation"),
                stack(f"{OURS}edge"),
                stack("somebody-prod"),
                stack("headrace-product-edge"),
            ],
            [],
            [stack(f"{OURS}foundation")],
        ]

    def __call__(self, request: dict[str, Any]) -> Answer:
        if "StackName" in request:
            return {"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}
        return {"Stacks": self.lists.pop(0) if self.lists else []}


def stack(name: str) -> dict[str, str]:
    return {"StackName": name, "StackStatus": "CREATE_COMPLETE", "CreationTime": "2026-01-01T00:00:00Z"}


def everything() -> dict[str, Any]:
    """Return the answers of an account with one of each kind, and things of others beside."""
    return {
        "DescribeStacks": Stacks(),
        "ListDistributions": once(
            {
                "DistributionList": {
                    "Items": [{"Id": "E1", "Comment": "Headrace prod"}, {"Id": "E2", "Comment": ""}]
                }
            },
            {"DistributionList": {}},
        ),
        "GetDistributionConfig": [
            {"ETag": "1", "DistributionConfig": DISTRIBUTION},
            {"ETag": "2", "DistributionConfig": DISTRIBUTION},
        ],
        "GetDistribution": [{"Distribution": {"Status": "Deployed"}}],
        "ListOriginAccessControls": once(
            {"OriginAccessControlList": {"Items": [{"Id": "O1", "Name": f"{OURS}site"}]}},
            {"OriginAccessControlList": {}},
        ),
        "GetOriginAccessControl": [{"ETag": "3"}],
        "ListWebACLs": [
            *[{"WebACLs": [{"Name": "headrace-prod", "Id": UUID, "LockToken": UUID}]}] * 2,
            {"WebACLs": []},
        ],
        "DescribeAlarms": once({"MetricAlarms": [{"AlarmName": f"{OURS}dead-letters"}]}, {}),
        "ListDashboards": once(
            {"DashboardEntries": [{"DashboardName": "headrace-prod"}, {"DashboardName": "headrace-product"}]},
            {"DashboardEntries": []},
        ),
        "ListRules": once(
            {"Rules": [{"Name": "headrace-ingest-prod-tick"}, {"Name": "headrace-ingest-dev-tick"}]},
            {"Rules": []},
        ),
        "ListTargetsByRule": [{"Targets": [{"Id": "1"}]}],
        "ListFunctions": once({"Functions": [{"FunctionName": "headrace-ingest-prod"}]}, {"Functions": []}),
        "GetRestApis": once(
            {"items": [api("a1", "prod"), api("a2", "dev"), api("a3", None)]},
            {"items": []},
        ),
        "GetResources": once({"items": [integration("headrace-ingest-prod")]}, TAGGED),
        "ListRoles": once(
            {"Roles": [{"RoleName": "headrace-ingest-prod-bearer"}, {"RoleName": f"{OURS}sagemaker"}]},
            {"Roles": []},
        ),
        "ListRolePolicies": [{"PolicyNames": ["inline"]}],
        "ListAttachedRolePolicies": [
            {
                "AttachedPolicies": [
                    {"PolicyName": "Some", "PolicyArn": "arn:aws:iam::aws:policy/SomePolicyOfAws"}
                ]
            }
        ],
        "ListObjectsV2": once({"Contents": [{"Key": "deploy/ingest/prod.json"}]}, {}),
        "ListEndpoints": once(
            {
                "Endpoints": [
                    {"EndpointName": f"{OURS}flights-v1"},
                    {"EndpointName": "my-headrace-prod-v1"},
                    {"EndpointName": "headrace-product-flights-v1"},
                ]
            },
            {"Endpoints": []},
        ),
        "DescribeEndpoint": [{"EndpointStatus": "Creating"}, {"EndpointStatus": "InService"}, GONE],
        "ListEndpointConfigs": once(
            {"EndpointConfigs": [{"EndpointConfigName": f"{OURS}flights-v1"}]}, {"EndpointConfigs": []}
        ),
        "ListModels": once({"Models": [{"ModelName": f"{OURS}flights-v1"}]}, {"Models": []}),
        "ListTrainingJobs": [
            *[{"TrainingJobSummaries": [{"TrainingJobName": f"{OURS}0-a1"}]}] * 2,
            {"TrainingJobSummaries": []},
        ],
        "DescribeTrainingJob": [{"TrainingJobStatus": "Stopped"}],
        "ListProcessingJobs": [
            *[{"ProcessingJobSummaries": [{"ProcessingJobName": f"{OURS}ingest-0-a1"}]}] * 2,
            {"ProcessingJobSummaries": []},
        ],
        "DescribeProcessingJob": [{"ProcessingJobStatus": "Stopping"}, {"ProcessingJobStatus": "Stopped"}],
        "ListTransformJobs": once(
            {"TransformJobSummaries": [{"TransformJobName": f"{OURS}batch-0-a1"}]},
            {"TransformJobSummaries": []},
        ),
        "ListModelPackageGroups": once(
            {"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": f"{OURS}flights"}]},
            {"ModelPackageGroupSummaryList": []},
        ),
        "ListModelPackages": [{"ModelPackageSummaryList": [{"ModelPackageArn": PACKAGE}]}],
        "DescribeLogGroups": once(
            {"logGroups": [{"logGroupName": "/aws/lambda/headrace-ingest-prod"}]}, {"logGroups": []}
        ),
        "DescribeLogStreams": [{"logStreams": [{"logStreamName": f"{OURS}0-a1/algo-1"}]}, NOT_THERE],
        "ListAliases": [
            *[{"Aliases": [{"AliasName": f"alias/{OURS}signing", "TargetKeyId": "k1"}]}] * 2,
            {"Aliases": []},
        ],
        "DescribeKey": [
            {"KeyMetadata": {"KeyState": "Enabled"}},
            {"KeyMetadata": {"KeyState": "PendingDeletion"}},
        ],
        "ListBuckets": once({"Buckets": [{"Name": f"{OURS}111122223333-data"}]}, {"Buckets": []}),
        "ListObjectVersions": [
            {"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]}
        ],
        "ListMultipartUploads": [{"Uploads": [{"Key": "b", "UploadId": "u"}]}],
        "ListTables": once(
            {"TableNames": [f"{OURS}jobs", "others", "headrace-product-jobs"]}, {"TableNames": []}
        ),
        "DescribeTable": [
            {"Table": {"DeletionProtectionEnabled": True, "TableStatus": "ACTIVE"}},
            {"Table": {"TableStatus": "ACTIVE"}},
            NOT_THERE,
        ],
        "ListQueues": once({"QueueUrls": [f"https://sqs/1/{OURS}ingest-dead-letters"]}, {}),
        "ListTopics": once(
            {
                "Topics": [
                    {"TopicArn": f"arn:aws:sns:eu-west-1:1:{name}alerts"}
                    for name in (OURS, "headrace-product-")
                ]
            },
            {"Topics": []},
        ),
        "ListSecrets": once(
            {"SecretList": [{"Name": f"{OURS}origin"}, {"Name": "headrace-product-origin"}]},
            {"SecretList": []},
        ),
    }


DISTRIBUTION = {
    "CallerReference": "1",
    "Origins": {"Quantity": 1, "Items": [{"Id": "site", "DomainName": "d"}]},
    "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "https-only"},
    "Comment": "Headrace prod",
    "Enabled": True,
}
UUID = "01234567-89ab-cdef-0123-456789abcdef"
PACKAGE = f"arn:aws:sagemaker:eu-west-1:111122223333:model-package/{OURS}flights/1"


def api(identity: str, stage: str | None) -> dict[str, Any]:
    return {"id": identity, "name": "headrace-ingest", "tags": {"headrace:stage": stage} if stage else {}}


def integration(function: str) -> dict[str, Any]:
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/functions/arn:aws:lambda:eu-west-1:1:function:{function}/invocations"
    return {"resourceMethods": {"GET": {"methodIntegration": {"uri": uri}}}}


class Run:
    """What one removal came to, and the calls it made."""

    def __init__(self, result: Removal, notes: list[Noted]) -> None:
        self.result, self.notes = result, notes
        self.changes = [one for one in notes if one.changes]
        self.done = [one.operation for one in self.changes]


def run(root: Path, *, with_data: bool) -> Run:
    recorder = Recorder(everything())
    for service in ("ingest", "training", "inference"):
        (root / f"{service}_service").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "_client", recorder.client)
        patch.setattr("time.sleep", lambda _: None)
        patch.setattr(destroying, "TAGS_SETTLE_S", 0.0)
        result = destroy(PROD, root=root, with_data=with_data, on_step=lambda _: None)
    return Run(result, recorder.notes)


@pytest.fixture(scope="module")
def all_of_it(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A removal with the data."""
    return run(tmp_path_factory.mktemp("all"), with_data=True)


@pytest.fixture(scope="module")
def what_runs(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A removal without them."""
    return run(tmp_path_factory.mktemp("some"), with_data=False)


def test_every_call_fits_the_services_own_model(all_of_it: Run) -> None:
    assert [(one.operation, one.wrong) for one in all_of_it.notes if one.wrong] == []


def test_every_call_that_a_removal_can_make_is_made_here(all_of_it: Run) -> None:
    written = operations_in([chalice_made, front, kinds, logs, sagemaker, stacks, storage, table, tagged])
    assert {as_method(one.operation) for one in all_of_it.changes} == written


def test_all_goes_in_the_reverse_order_of_deploying_and_costs_before_data(all_of_it: Run) -> None:
    in_order = [
        *(
            "DeleteStack",
            "UpdateDistribution",
            "DeleteDistribution",
            "DeleteWebACL",
            "RemoveTargets",
            "DeleteRule",
        ),
        *(
            "DeleteFunction",
            "DeleteRestApi",
            "DeleteRolePolicy",
            "DeleteRole",
            "DeleteObject",
            "DeleteEndpoint",
        ),
        *(
            "DeleteEndpointConfig",
            "DeleteModel",
            "StopTrainingJob",
            "StopTransformJob",
            "DeleteTrainingJob",
            "DeleteModelPackage",
        ),
        *(
            "DeleteModelPackageGroup",
            "ScheduleKeyDeletion",
            "DeleteObjects",
            "DeleteBucket",
            "UpdateTable",
            "DeleteTable",
        ),
    ]
    places = [all_of_it.done.index(operation) for operation in in_order]
    assert places == sorted(places)
    # By its alias, which is the stack's, the key is found.
    stacks = [
        i for i, one in enumerate(all_of_it.changes) if one.request.get("StackName") == f"{OURS}foundation"
    ]
    assert all_of_it.done.index("ScheduleKeyDeletion") < stacks[0] < all_of_it.done.index("DeleteBucket")
    assert all_of_it.result.left == []


def test_without_the_data_nothing_that_holds_any_is_touched(what_runs: Run) -> None:
    touched = {one.request.get("StackName") for one in what_runs.changes if one.operation == "DeleteStack"}
    assert touched == {f"{OURS}edge"}
    holds_data = {
        "DeleteBucket",
        "DeleteObjects",
        "DeleteTable",
        "DeleteQueue",
        "ScheduleKeyDeletion",
        "DeleteSecret",
    }
    records = {"DeleteLogGroup", "DeleteModelPackageGroup", "DeleteTrainingJob", "DeleteTopic"}
    assert not (holds_data | records) & set(what_runs.done)


def test_nothing_of_another_stage_or_of_somebody_else_is_touched(all_of_it: Run) -> None:
    told = str([one.request for one in all_of_it.changes])
    for foreign in (
        "somebody-prod",
        "headrace-ingest-dev",
        "headrace-product",
        "my-headrace",
        "'others'",
        "'E2'",
        "'a2'",
    ):
        assert foreign not in told
    assert {"a1", "a3"} == {
        one.request["restApiId"] for one in all_of_it.changes if one.operation == "DeleteRestApi"
    }


def test_a_distribution_is_switched_off_before_it_is_deleted_and_every_version_goes_with_its_bucket(
    all_of_it: Run,
) -> None:
    by_name = {one.operation: one.request for one in all_of_it.changes}
    assert by_name["UpdateDistribution"]["DistributionConfig"]["Enabled"] is False
    assert by_name["DeleteDistribution"]["IfMatch"] == "2"
    versions = by_name["DeleteObjects"]["Delete"]["Objects"]
    assert versions == [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]
    assert by_name["UpdateTable"]["DeletionProtectionEnabled"] is False
    assert by_name["DeleteSecret"]["ForceDeleteWithoutRecovery"] is True
