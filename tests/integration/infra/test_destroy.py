"""A second stage on the cloud of the first: it goes, bit by bit or at once, and the first stays as it was."""

from pathlib import Path

import pytest

from infra import destroy as destroying
from infra.deploy import Step, deploy
from infra.destroy import Removal, destroy
from infra.removal.table import inventory
from infra.removal.tagged import find_tagged
from infra.stage import Stage
from tests.integration.infra.conftest import Deployed
from tests.integration.infra.mini import make_checkout

WHAT_RUNS = {"stack", "distribution", "site access", "rule", "function", "REST API", "function role"}


class Side:
    """The second stage and its checkout."""

    def __init__(self, stage: Stage, root: Path) -> None:
        self.stage = stage
        self.root = root

    def deploy(self) -> None:
        deploy(self.stage, root=self.root, on_step=lambda _: None)

    def destroy(self, *, with_data: bool, until: str = "") -> Removal:
        def on_step(step: Step) -> None:
            if step.name == until:
                raise ConnectionError("the line broke")

        return destroy(self.stage, root=self.root, with_data=with_data, on_step=on_step)

    def kinds(self) -> set[str]:
        return {one.kind for one in inventory(self.stage)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, deployed: Deployed) -> Path:
    root = make_checkout(tmp_path_factory.mktemp("side"))
    (root / ".headrace").mkdir()
    (root / ".headrace" / "recipes").symlink_to(deployed.root / ".headrace" / "recipes")
    return root


@pytest.fixture
def gone(deployed: Deployed, folder: Path) -> Side:
    """The second stage, before it is deployed or after it was removed."""
    where = deployed.stage
    stage = Stage(name="side", region=where.region, account=where.account, endpoint_url=where.endpoint_url)
    return Side(stage, folder)


@pytest.fixture
def side(gone: Side) -> Side:
    """The second stage, deployed; the tests leave of it what they like."""
    gone.deploy()
    return gone


def test_without_the_data_all_that_runs_goes_and_the_next_deployment_goes_on_with_the_data(
    side: Side,
) -> None:
    s3, bucket = side.stage.client("s3"), "headrace-side-000000000000-incoming"
    s3.put_object(Bucket=bucket, Key="incoming/flights/a.csv", Body=b"a\n1\n")
    result = side.destroy(with_data=False)
    assert result.left == []
    assert side.kinds().isdisjoint(WHAT_RUNS)
    assert {"bucket", "table", "signing key", "foundation"} <= {one.kind for one in result.kept}
    side.deploy()
    assert side.kinds() >= WHAT_RUNS
    assert s3.get_object(Bucket=bucket, Key="incoming/flights/a.csv")["Body"].read() == b"a\n1\n"


def test_with_the_data_nothing_is_left_by_name_or_by_tag_and_another_stage_is_untouched(
    deployed: Deployed, side: Side
) -> None:
    before = inventory(deployed.stage)
    s3, bucket = side.stage.client("s3"), "headrace-side-000000000000-models"
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="replaced", Body=body)
    s3.delete_object(Bucket=bucket, Key="replaced")
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
    assert len(find_tagged(side.stage)) > 10
    result = side.destroy(with_data=True)
    assert (result.left, result.kept) == ([], [])
    assert (inventory(side.stage), find_tagged(side.stage)) == ([], [])
    assert inventory(deployed.stage) == before
    again = side.destroy(with_data=True)
    assert (again.removed, again.left) == (0, [])


def test_a_removal_that_broke_off_three_times_is_run_again_and_goes_on(side: Side) -> None:
    for until in ("rule", "foundation", "bucket"):
        with pytest.raises(ConnectionError):
            side.destroy(with_data=True, until=until)
    assert side.destroy(with_data=True).left == []
    assert inventory(side.stage) == []


def test_what_only_the_tag_tells_of_is_listed_as_left(monkeypatch: pytest.MonkeyPatch, gone: Side) -> None:
    monkeypatch.setattr(destroying, "TAGS_SETTLE_S", 0.0)
    tag = [{"Key": "headrace:stage", "Value": "side"}]
    sns = gone.stage.client("sns")
    forgotten = sns.create_topic(Name="forgotten", Tags=tag)["TopicArn"]
    try:
        left = gone.destroy(with_data=True).left
    finally:
        sns.delete_topic(TopicArn=forgotten)
    assert [(one.kind, one.name) for one in left] == [("tagged", forgotten)]
