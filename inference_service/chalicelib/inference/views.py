"""What the REST API takes and gives, beside predictions' records."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from chalicelib.inference.answers import Answer, Interval, Item, Point, Value, prediction_id
from chalicelib.inference.fitting import Fitted
from chalicelib.inference.formats import RoutingKey
from chalicelib.inference.states import CurrentRelease, Intent, ReleaseEntry
from chalicelib.inference.truth_views import LabelView
from chalicelib.inference.validation import MAX_ROWS
from msgspec import Meta

from shared.entities.serving import Phase
from shared.errors import FieldError

Version = Annotated[str, Meta(pattern=r"^v[1-9][0-9]{0,8}$", description="such as v3")]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the service answers; nothing behind it is asked."""

    status: str = "ok"
    stage: str


class PromoteRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make an approved version live; ``force`` overrides a stale comparison and needs a ``reason``."""

    version: Version
    force: bool = False
    reason: Reason | None = None


class ReasonRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a release is rolled back or stopped."""

    reason: Reason | None = None


class PredictionBody(msgspec.Struct, frozen=True, kw_only=True):
    """Records by the names of the model's inputs (`GET /v1/models/{pipeline}/{version}` lists them)."""

    records: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MAX_ROWS)]
    routing_key: RoutingKey | None = None


class Prediction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One record's answer; ground truth will name it by ``id``.

    A class or a number is a ``value``, a forecast ``points``, a recommendation ``items``. A record that was not
    answered (``on_error=row``) has no id, but ``errors``: the first ten places, and how many ``more_errors``.
    """

    id: str | None = None
    value: Value | msgspec.UnsetType = msgspec.UNSET
    scores: dict[str, float] | None = None
    interval: Interval | None = None
    points: tuple[Point, ...] | None = None
    items: tuple[Item, ...] | None = None
    errors: tuple[FieldError, ...] = ()
    more_errors: int = 0


class Predictions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answers in the order of the records, the version that gave them, and how many records ``failed``."""

    model_version: str
    predictions: list[Prediction]
    failed: int = 0


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One prediction with where it came from, and the truth about it as far as it is known.

    ``inputs`` says what was kept of the record: none, its keyed hash (``input_hash``), or full (``record``).
    """

    id: str
    pipeline: str
    inputs: str = ""
    record: dict[str, Any] | None = None
    input_hash: str | None = None
    label: LabelView | None = None
    value: Value | msgspec.UnsetType
    scores: dict[str, float] | None
    interval: Interval | None = None
    points: tuple[Point, ...] | None = None
    items: tuple[Item, ...] | None = None
    model_version: str
    job_id: str
    dataset_versions: tuple[str, ...]
    endpoint: str
    latency_ms: float
    at: str


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """What serves a pipeline and what is on its way.

    While a candidate is on trial, ``mode`` is canary or shadow, ``weight`` its share of the requests, ``step`` the
    place of that share among the pipeline's steps, from 0. ``asleep_at``: since then the endpoint waits for a request.
    ``phase`` is RECREATING while ``candidate`` is the version before, whose endpoint is made again; what is live serves.
    """

    pipeline: str
    live: str | None
    previous: str | None
    candidate: str | None
    phase: str
    outcome: str | None
    reason: str | None
    weight: float
    mode: str
    step: int
    step_since: str | None
    asleep_at: str | None
    gen: int
    live_since: str | None
    updated_at: str
    endpoint: str | None


class EndpointList(msgspec.Struct, frozen=True, kw_only=True):
    """The pipelines that ever had a release and that the caller may see."""

    endpoints: list[EndpointView]


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a release: who, when, why, from, to.

    ``outcome`` is how it ended (LIVE, ROLLED_BACK, FAILED, DELETED), or STARTED, SHADOW, CANARY (with its ``weight``); or
    what happened to the endpoint of what is live: RECREATED, ASLEEP, AWAKE.
    """

    at: str
    gen: int
    who: str
    why: str
    outcome: str
    candidate: str | None
    weight: float
    from_version: str | None
    to_version: str | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, newest first; ``live`` is what served at the asked time (now, if none was asked)."""

    pipeline: str
    live: str | None
    entries: list[HistoryItem]


def prediction_view(prediction_id: str, answer: Answer) -> Prediction:
    """Return *answer* as the API shows it."""
    return Prediction(
        id=prediction_id,
        value=answer.value,
        scores=answer.scores,
        interval=answer.interval,
        points=answer.points,
        items=answer.items,
    )


def predictions_view(
    request_id: str, model_version: str, answers: Sequence[Answer], fitted: Fitted
) -> Predictions:
    """Return *answers* to a request as the API shows them, each in the place of its record."""
    if fitted.places is None:
        # As prediction_view and prediction_id have it, without a call or two for each of a thousand rows.
        shown = [
            Prediction(
                id=f"{request_id}-{row}",
                value=answer.value,
                scores=answer.scores,
                interval=answer.interval,
                points=answer.points,
                items=answer.items,
            )
            for row, answer in enumerate(answers)
        ]
        return Predictions(model_version=model_version, predictions=shown)
    by_place = {
        place: prediction_view(prediction_id(request_id, place), answer)
        for place, answer in zip(fitted.places, answers, strict=True)
    }
    by_place |= {
        place: Prediction(errors=faults.named, more_errors=faults.more)
        for place, faults in fitted.faults.items()
    }
    predictions = [by_place[place] for place in sorted(by_place)]
    return Predictions(model_version=model_version, predictions=predictions, failed=len(fitted.faults))


def endpoint_view(release: CurrentRelease, endpoint: str | None) -> EndpointView:
    """Return *release* as the API shows it; *endpoint* is the SageMaker endpoint of what is live."""
    own: dict[str, Any] = {"endpoint": endpoint, "phase": _phase_of(release)}
    names = [field.name for field in msgspec.structs.fields(EndpointView) if field.name not in own]
    return EndpointView(**own, **{name: getattr(release, name) for name in names})


def _phase_of(release: CurrentRelease) -> Phase:
    # Who goes back waits for one thing: that the version before can serve again.
    is_on_its_way_back = release.candidate is not None and release.intent is Intent.ROLLBACK
    return Phase.RECREATING if is_on_its_way_back else release.phase


def history_view(pipeline: str, entries: list[ReleaseEntry]) -> History:
    """Return *entries*, newest first, as the API shows them."""
    names = [field.name for field in msgspec.structs.fields(HistoryItem)]
    items = [HistoryItem(**{name: getattr(entry, name) for name in names}) for entry in entries]
    return History(pipeline=pipeline, live=items[0].to_version if items else None, entries=items)
