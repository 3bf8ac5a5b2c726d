"""What carries the stage's tag: a second way to find what the names do not tell."""

from infra.removal.kinds import pages
from infra.removal.storage import is_waiting_to_go
from infra.stage import EDGE_REGION, Stage
from infra.tags import STAGE_TAG


def find_tagged(stage: Stage) -> list[str]:
    """Return the ARNs that the tagging API knows in the stage's region and the edge's.

    Left out is what is gone as far as anybody can make it go: keys on their way out, and transform jobs, which SageMaker keeps and lets nobody
    delete.
    """
    arns = {arn for region in sorted({stage.region, EDGE_REGION}) for arn in _tagged_in(stage, region)}
    return sorted(arn for arn in arns if ":transform-job/" not in arn and not _is_dying_key(stage, arn))


def _tagged_in(stage: Stage, region: str) -> list[str]:
    tags = [{"Key": STAGE_TAG, "Values": [stage.name]}]
    found = pages(stage.client("resourcegroupstaggingapi", region), "get_resources", TagFilters=tags)
    return [one["ResourceARN"] for page in found for one in page["ResourceTagMappingList"]]


def _is_dying_key(stage: Stage, arn: str) -> bool:
    return ":kms:" in arn and is_waiting_to_go(stage, arn.rpartition("/")[2])
