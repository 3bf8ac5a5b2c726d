"""Each decided model version is a model package in SageMaker too. The row is the truth; the package follows it."""

from chalicelib.training.package_request import is_behind, package_request, update_request
from chalicelib.training.ports import Ports

from shared import log, metrics
from shared.entities.training import WAITS_FOR_PERSON, ModelVersion
from shared.errors import ConditionFailed, HeadraceError, NotFound

_log = log.logger("training")


def mirror(ports: Ports, model: ModelVersion) -> None:
    """Bring the version's package to where its row is; what SageMaker refuses is tried again in a minute.

    It holds up nothing else: a version is approved by its row, whether SageMaker's registry knows or not.
    """
    try:
        _mirror(ports, model)
        ports.models.mirrored(model)
    except ConditionFailed:
        return  # decided anew meanwhile; whoever did that mirrors it
    except HeadraceError as error:
        _log.exception("a model package could not be written", extra={"version": model.version})
        dimensions = {"stage": ports.place.stage, "service": "training"}
        about = {"pipeline": model.pipeline, "version": model.version, "reason": str(error)}
        metrics.emit({"ModelPackageBehind": (1, "Count")}, dimensions=dimensions, properties=about)


def _mirror(ports: Ports, model: ModelVersion) -> None:
    package = None
    if model.package_arn:
        try:
            package = ports.packages.describe(model.package_arn)
        except NotFound:
            _log.warning("a model package was deleted; it is made again", extra={"arn": model.package_arn})
    if package is None:
        tags = {"headrace:stage": ports.place.stage, "headrace:pipeline": model.pipeline}
        arn = ports.packages.create(package_request(ports.place.stage, model), tags)
        ports.models.packaged(model, arn)
        # Described all the same: of a creation that was repeated, the first may have been of another state.
        package = ports.packages.describe(arn)
    # What a person has just decided there is not overwritten but heard: see hearing.py.
    if package.was_changed and model.state in WAITS_FOR_PERSON:
        return
    if is_behind(package, model):
        ports.packages.update(update_request(package, model))
