"""What people decide in SageMaker's registry (Studio, boto3) counts as if they had told us."""

from chalicelib.training.package_request import OURS, Package
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.judging import decide_as_person
from chalicelib.training.workflow.mirroring import mirror

from shared import log
from shared.entities.training import WAITS_FOR_PERSON, ModelState, ModelVersion
from shared.errors import Conflict, NotFound

_DECISIONS = {"Approved": ModelState.APPROVED, "Rejected": ModelState.REJECTED}
_log = log.logger("training")


def hear_package(ports: Ports, arn: str) -> None:
    """Look at a package that SageMaker says has changed; foreign packages, and our own changes, are no news."""
    try:
        package = ports.packages.describe(arn)
        model = ports.models.get(package.pipeline, package.version)
    except NotFound:
        return
    # A copy of the metadata in another package must not decide about the version.
    if model.package_arn == arn:
        log.start(correlation_id=model.correlation_id, pipeline=model.pipeline)
        _hear(ports, model, package)


def hear_version(ports: Ports, model: ModelVersion) -> None:
    """Look at the package of a version that waits for a person, in case its event was lost."""
    if not model.package_arn:
        mirror(ports, model)
        return
    try:
        package = ports.packages.describe(model.package_arn)
    except NotFound:
        mirror(ports, model)
        return
    _hear(ports, model, package)


def _hear(ports: Ports, model: ModelVersion, package: Package) -> None:
    state = _DECISIONS.get(package.status)
    if state and package.was_changed and model.state in WAITS_FOR_PERSON:
        try:
            decide_as_person(ports, model, state, who=_who(package), reason=_reason(package))
        except Conflict:
            _log.info("somebody else decided first", extra={"version": model.version})
            mirror(ports, ports.models.get(model.pipeline, model.version))
        return
    # Only who waits for a person can be decided by one: any other change is taken back, since the row is the truth.
    mirror(ports, model)


def _who(package: Package) -> str:
    return f"{package.who or 'somebody'} in SageMaker"


def _reason(package: Package) -> str:
    # Our own words, of an earlier state, are nobody's reason.
    if not package.description or package.description.startswith(OURS):
        return "no reason was given there"
    return package.description
