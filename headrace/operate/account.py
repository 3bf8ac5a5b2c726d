"""What stands in the way of a stage in an AWS account."""

from typing import TYPE_CHECKING

from headrace.operate.planned import shortfall

if TYPE_CHECKING:
    from infra.planning.rows import Quota
    from infra.stage import Stage
    from localcloud.doctor import Finding


def diagnose_account(stage: "Stage") -> list["Finding"]:
    """Ask for the quotas; those the account does not tell are findings too, but stop nobody."""
    from infra.planning import quotas

    return [finding_of(quota) for quota in quotas.ask(stage)]


def finding_of(quota: "Quota") -> "Finding":
    """Return what a quota means for the stage."""
    from localcloud.doctor import Finding

    if quota.is_short:
        told, _, remedy = shortfall(quota).partition("; ")
        return Finding(name=quota.code, ok=False, sentence=f"{told}.", remedy=remedy)
    found = "is not told to these credentials" if quota.found is None else f"is {quota.found:g}"
    sentence = f"{quota.service}: {quota.name} {found}, needed {quota.needed:g}."
    return Finding(name=quota.code, ok=True, sentence=sentence)
