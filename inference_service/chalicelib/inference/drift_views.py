"""What the REST API gives about drift."""

import msgspec


class Loss(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The loss a version was released with, and the one it has now.

    ``estimated`` is what its answers expect of themselves over ``rows``; ``at_least`` is the lower end of that estimate's 90 % interval.
    ``measured`` is by the ``labelled`` rows whose truth was told, once there are 200: then it decides.
    """

    metric: str
    promised: float
    rows: int
    estimated: float | None = None
    at_least: float | None = None
    labelled: int = 0
    measured: float | None = None


class ClassShare(msgspec.Struct, frozen=True, kw_only=True):
    """How often a class was in the training data, and how often the answers expect it now."""

    name: str
    trained: float
    answered: float


class AnswerDrift(msgspec.Struct, frozen=True, kw_only=True):
    """How far the mean of the answered scores is from the classes of the training data."""

    psi: float
    classes: list[ClassShare]


class ColumnDrift(msgspec.Struct, frozen=True, kw_only=True):
    """How far a column is from the training data; ``psi`` is null where that cannot be told."""

    name: str
    psi: float | None
    drifted: bool


class DriftView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far what is asked and answered is from training, of the live version from ``since`` to ``until``.

    ``alarm`` is by the pipeline's ``monitor.alarm_on``, and ``because`` says in words what it rests on. ``columns`` are what moved most
    first, of ``sampled_rows`` captured records; ``notes`` say what could not be told, and why.
    """

    pipeline: str
    model_version: str | None
    since: str
    until: str
    rows: int
    alarm: bool
    because: str
    limit: float
    loss: Loss | None = None
    answers: AnswerDrift | None = None
    columns: list[ColumnDrift] = []
    sampled_rows: int = 0
    notes: list[str] = []
