"""The CloudFormation stacks; those beside the foundation go first, since they use what it holds."""

from collections.abc import Iterator
from functools import partial

from infra.calls import Call
from infra.removal.kinds import Find, Remove, is_of_stage, pages
from infra.stacks import await_deletion
from infra.stage import EDGE_REGION, Stage

_FOUNDATION = "-foundation"


def find_stacks_in(region_of: str, *, foundation: bool) -> Find:
    """Return how stacks are listed: `home` is the stage's own region, `edge` the edge's where that is another."""
    return partial(_find, region_of, foundation)


def _find(region_of: str, foundation: bool, stage: Stage) -> list[str]:
    if region_of == "edge" and stage.region == EDGE_REGION:
        return []
    found = pages(stage.client("cloudformation", _region(stage, region_of)), "describe_stacks")
    stacks = [one for page in found for one in page["Stacks"] if one["StackStatus"] != "DELETE_COMPLETE"]
    newest_first = sorted(stacks, key=lambda one: one["CreationTime"], reverse=True)
    names = [one["StackName"] for one in newest_first if is_of_stage(stage, one["StackName"])]
    return [name for name in names if name.endswith(_FOUNDATION) == foundation]


def remove_stack_in(region_of: str) -> Remove:
    """Return how a stack goes; for a distribution that takes CloudFormation minutes."""
    return partial(_remove, region_of)


def _remove(region_of: str, stage: Stage, name: str) -> Iterator[Call]:
    region = _region(stage, region_of)
    yield Call(
        what=name,
        service="cloudformation",
        operation="delete_stack",
        request={"StackName": name},
        region=region,
    )
    await_deletion(stage.client("cloudformation", region), name)


def _region(stage: Stage, region_of: str) -> str:
    return EDGE_REGION if region_of == "edge" else stage.region
