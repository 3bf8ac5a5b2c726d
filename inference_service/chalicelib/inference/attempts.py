"""What one version made of one request, and the copy of it that another may be asked with."""

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.fitting import Fitted

from shared.errors import BadGateway, Conflict, HeadraceError, InvalidRequest, NotFound, TimedOut

# What an error is called in metrics; the first that fits.
_OUTCOMES: tuple[tuple[type[HeadraceError], str], ...] = (
    (InvalidRequest, "refused"),
    (Conflict, "refused"),
    (TimedOut, "timeout"),
    (BadGateway, "model_error"),
    (NotFound, "gone"),
)


NOTHING = Fitted(records=b"[]", count=0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """The ``answers`` of a version in a role (live, candidate, pinned, shadow), or the ``error`` it ended with.

    ``cold``: the first of a sandbox, whose latency says nothing of the version.
    """

    version: str
    role: str
    latency_ms: float
    cold: bool = False
    fitted: Fitted = NOTHING
    answers: list[Answer] = []
    error: HeadraceError | None = None

    @property
    def outcome(self) -> str:
        """What came of it, in a word: ok, refused (the caller's fault), timeout, model_error, gone, unavailable."""
        if self.error is None:
            return "ok"
        return next((word for kind, word in _OUTCOMES if isinstance(self.error, kind)), "unavailable")

    @property
    def has_failed(self) -> bool:
        """Whether the version failed, not the caller."""
        if self.role == "pinned" and self.outcome == "gone":
            return False
        return self.outcome not in {"ok", "refused"}


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A request as live answered it, and whose shadow shall be asked: the candidate of generation ``gen``."""

    pipeline: str
    gen: int
    version: str
    request_id: str
    records: msgspec.Raw
    answers: list[Answer]


def copy_of(event: object) -> Copy:
    """Return the copy that arrived as the *event* of an invocation."""
    # Lambda has parsed the JSON, yet the records are wanted as text again.
    return msgspec.json.decode(msgspec.json.encode(event), type=Copy)
