"""What an adapter raises for each error that AWS documents of a call: what its callers must make the outcome of."""

from docs.aws_errors.clouds import Cloud
from docs.aws_errors.documented import Fault, faults_of
from docs.aws_errors.outcomes import Outcome, outcome_of
from docs.aws_errors.probes import PROBES
from docs.aws_errors.sites import find
from shared.errors import HeadraceError


def raised_at(place: str, operation: str) -> dict[str, tuple[Outcome, HeadraceError]]:
    """Return outcome and error by the fault's name, of the call site at the end of *place*."""
    (site,) = (one for one in find() if one.place.endswith(place) and one.operation == operation)
    found = {}
    for fault in faults_of(site.service, operation):
        error = _raised(PROBES[site.place, operation], Cloud(site, fault))
        if error is not None and (outcome := outcome_of(error)):
            found[_plain(fault)] = (outcome, error)
    return found


def _raised(probe, cloud: Cloud) -> HeadraceError | None:
    try:
        probe(cloud)
    except HeadraceError as error:
        return error
    return None


def _plain(fault: Fault) -> str:
    return fault.name.replace("`", "")
