"""How each call site is reached: its adapter over a cloud in which that one call goes wrong; by place and operation."""

from docs.aws_errors import of_deployer, of_operator, of_services, of_shared
from docs.aws_errors.of_shared import Probe
from docs.aws_errors.sites import Site

PROBES: dict[tuple[str, str], Probe] = (
    of_shared.PROBES | of_services.PROBES | of_operator.PROBES | of_deployer.PROBES
)


def probe_of(site: Site) -> Probe:
    """Return what makes the call of *site*.

    Raises
    ------
    KeyError
        Nobody has said how.
    """
    if site.module.startswith("infra.") and (site.place, site.operation) not in PROBES:
        return of_deployer.plainly(site)
    return PROBES[site.place, site.operation]
