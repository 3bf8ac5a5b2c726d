"""What a model answers, and the ids by which its answers are known."""

import msgspec

from shared.errors import BadGateway

Value = bool | int | float | str | None
Interval = tuple[float, float]


class Point(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One forecast value, with the ends of the interval that holds the truth nine times in ten."""

    time: str
    value: float
    interval: Interval | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One recommended item; ``rating`` is what the user would probably give it, where the data has ratings."""

    item: int | str
    score: float | None = None
    rating: float | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One record's answer, in the shape of its task.

    Classes and numbers have a ``value`` in the type of the data (with ``scores`` or an ``interval``), forecasts
    ``points``, recommendations ``items``, best first.
    """

    # gc=False: a thousand answers hold no cycles, and looking for some takes longer than parsing them.

    value: Value | msgspec.UnsetType = msgspec.UNSET
    scores: dict[str, float] | None = None
    interval: Interval | None = None
    points: tuple[Point, ...] | None = None
    items: tuple[Item, ...] | None = None

    def says_nothing(self) -> bool:
        """Whether it has neither value nor points nor items."""
        return self.value is msgspec.UNSET and self.points is None and self.items is None


class _Answers(msgspec.Struct, frozen=True):
    predictions: list[Answer]


_DECODER = msgspec.json.Decoder(_Answers)


def parse_answers(body: bytes, row_count: int) -> list[Answer]:
    """Return the answers of a model server, one per row.

    Raises
    ------
    BadGateway
        The server broke its contract; the caller can do nothing about it.
    """
    try:
        answers = _DECODER.decode(body).predictions
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadGateway(f"the model server's answer is not of the contract: {error}") from error
    # Here and not in the struct's own hook: that would be a call into Python from within the decoder for each.
    if any(answer.value is msgspec.UNSET and answer.says_nothing() for answer in answers):
        raise BadGateway("the model server gave an answer without value, points or items")
    if len(answers) != row_count:
        raise BadGateway(f"the model server gave {len(answers)} answers to {row_count} records")
    return answers


def prediction_id(request_id: str, row: int) -> str:
    """Return the id by which ground truth will name one row's prediction."""
    return f"{request_id}-{row}"


def split_prediction_id(text: str) -> tuple[str, int] | None:
    """Return request id and row of a prediction id, None where it is not one."""
    request_id, _, row = text.rpartition("-")
    # No request has a "#" in its id: in the table such keys are those of counters.
    well_formed = request_id and "#" not in request_id and row.isascii() and row.isdigit() and len(row) < 6
    return (request_id, int(row)) if well_formed else None
