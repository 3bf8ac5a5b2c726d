"""What is asked without changing anything: endpoints and their history."""

from datetime import UTC, datetime

import msgspec
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.states import CurrentRelease
from chalicelib.inference.views import EndpointList, EndpointView, History, endpoint_view, history_view
from chalicelib.inference.workflow.context import Releasing
from chalicelib.inference.workflow.requests import existing

from shared.clock import to_text
from shared.errors import InvalidRequest
from shared.http.request import Caller


def list_endpoints(adapters: Releasing, caller: Caller) -> EndpointList:
    """Return the releases of all pipelines the caller may see."""
    names = [name for name in adapters.pipelines.names() if caller.may_touch(name)]
    found = [release for name in names if (release := adapters.releases.current(name))]
    return EndpointList(endpoints=[view_of(adapters, release) for release in found])


def get_endpoint(adapters: Releasing, pipeline: str) -> EndpointView:
    """Return what serves *pipeline* and what is on its way."""
    return view_of(adapters, existing(adapters, pipeline))


def view_of(adapters: Releasing, release: CurrentRelease) -> EndpointView:
    """Return *release* as the API shows it."""
    name = endpoint_name(adapters.stage, release.pipeline, release.live) if release.live else None
    return endpoint_view(release, name)


def get_history(adapters: Releasing, pipeline: str, at: str | None, limit: int) -> History:
    """Return the changes of releases of *pipeline*, newest first; with *at*, only what had happened by then."""
    existing(adapters, pipeline)
    until = to_text(_moment(at)) if at else None
    return history_view(pipeline, adapters.releases.history(pipeline, until=until, limit=limit))


def _moment(text: str) -> datetime:
    try:
        moment = msgspec.convert(text, datetime)
        # Close to the years 1 and 9999 an offset can lead out of the calendar.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (msgspec.ValidationError, OverflowError):
        raise InvalidRequest(
            f"at={text[:40]!r} is not an RFC 3339 time such as 2026-01-31T14:03:00Z"
        ) from None
