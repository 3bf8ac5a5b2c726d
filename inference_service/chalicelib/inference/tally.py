"""How one version answered in one step of a release: counts that add up, whoever counted them."""

import math

import msgspec
from chalicelib.inference.states import CurrentRelease

ON_TRIAL = ("canary", "shadow")
# Latencies are counted in buckets eight to a doubling: a percentile is read to within 9 %.
PER_DOUBLING = 8
_MAX_BUCKET = 20 * PER_DOUBLING  # 17 minutes; no answer takes that long


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted apart: one version in one step of one generation."""

    pipeline: str
    gen: int
    version: str
    step: int = 0


def step_of(release: CurrentRelease | None, version: str) -> Step | None:
    """Return where *version* is counted now, None while no verdict over it is due.

    Labels count in the step in which they come, whichever the predictions were made in.
    """
    if release is None or release.mode not in ON_TRIAL or version not in {release.live, release.candidate}:
        return None
    return Step(pipeline=release.pipeline, gen=release.gen, version=version, step=release.step)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to one version.

    Of all ``requests`` the ``cold`` ones were answered by something that had just started: they are left out of
    ``latencies`` (bucket → count, answered ones only) and of what is enough for a verdict. Labels, when they come,
    add to ``labelled`` and to ``correct``, or ``measured`` and the errors' sums; those of classes with scores to
    ``scored`` and ``log_loss``. A shadow's answers add to ``compared`` (rows) and ``disagreed``. Rows whose answer says
    how sure it is are ``estimated``: ``expected`` sums the loss that it expects (of classes) or its interval's width, with
    its square, ``shares`` the millionths by place of the class.
    """

    requests: int = 0
    rows: int = 0
    errors: int = 0
    cold: int = 0
    compared: int = 0
    disagreed: int = 0
    labelled: int = 0
    correct: int = 0
    scored: int = 0
    log_loss: float = 0.0
    measured: int = 0
    absolute_error: float = 0.0
    squared_error: float = 0.0
    estimated: int = 0
    expected: float = 0.0
    expected_squares: float = 0.0
    shares: dict[int, int] = {}
    latencies: dict[int, int] = {}

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        numbers = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__struct_fields__
            if name not in {"latencies", "shares"}
        }
        latencies = _together(self.latencies, other.latencies)
        return Tally(**numbers, latencies=latencies, shares=_together(self.shares, other.shares))

    @property
    def warm(self) -> int:
        """The requests that count for a verdict."""
        return self.requests - self.cold

    def value(self, metric: str) -> float | None:
        """Return a metric of the clauses that roll back, None where nothing was counted for it."""
        if metric == "p95_ms":
            return percentile(self.latencies, 0.95)
        part, whole = {
            "error_rate": (self.errors, self.requests),
            "disagreement": (self.disagreed, self.compared),
            "accuracy": (self.correct, self.labelled),
            "mae": (self.absolute_error, self.measured),
        }[metric]
        return part / whole if whole else None


def _together(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}


def one_request(latency_ms: float, *, failed: bool = False, cold: bool = False) -> Tally:
    """Return the tally of one request."""
    left_out = cold and not failed
    counted = {} if failed or left_out else {bucket_of(latency_ms): 1}
    return Tally(requests=1, errors=int(failed), cold=int(left_out), latencies=counted)


def bucket_of(latency_ms: float) -> int:
    """Return the bucket of a latency."""
    place = math.ceil(math.log2(max(latency_ms, 1.0)) * PER_DOUBLING)
    return min(place, _MAX_BUCKET)


def percentile(latencies: dict[int, int], share: float) -> float | None:
    """Return the latency in ms that *share* of the requests did not pass, None where there were none."""
    wanted = share * sum(latencies.values())
    seen = 0
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        if seen >= wanted:
            # The middle of the bucket, on its own scale.
            return float(2 ** ((bucket - 0.5) / PER_DOUBLING))
    return None
