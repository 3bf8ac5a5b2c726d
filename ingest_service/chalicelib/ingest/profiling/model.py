"""What ``profile.json`` holds: figures per column, and next to each how it was found and how wrong it may be."""

import msgspec

NUMERIC = ("integer", "number")
TEMPORAL = ("date", "datetime")
TEXT = "string"
BINARY = "binary"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column to profile: its name, its Frictionless type and its SQL name in the relation."""

    name: str
    type: str
    place: str


class Method(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a figure was found. ``error`` is its bound, in the unit that ``meaning`` says; absent where exact."""

    name: str
    error: float | None = None
    meaning: str = ""


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Ten bins of equal width from the least to the greatest value."""

    edges: list[float]
    counts: list[int]


class TopValue(msgspec.Struct, frozen=True, kw_only=True):
    """A frequent value, of a long text its first 100 characters."""

    value: str
    count: int


class Lengths(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of texts in characters, of binary values in bytes."""

    min: int
    mean: float
    max: int
    quantiles: dict[str, float] = {}


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Time between neighbouring different times, in seconds; the largest gap with the times around it."""

    count: int
    mean_s: float
    largest_s: float
    largest_from: str
    largest_to: str
    quantiles: dict[str, float]


class Periods(msgspec.Struct, frozen=True, kw_only=True):
    """Rows per calendar ``unit`` (UTC): the start of each unit that has rows, and how many."""

    unit: str
    starts: list[str]
    counts: list[int]


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One column; ``methods`` says of ``distinct``, ``quantiles``, ``top``, ... how they were found.

    ``min`` and ``max`` are numbers, RFC 3339 times, or absent for texts. A quantile ``q%`` is the least value
    that is not below ``q%`` of the values. ``std`` is that of a sample (n - 1), absent for one value.
    """

    name: str
    type: str
    count: int
    missing: int
    distinct: int
    distinct_is_approximate: bool = True
    min: int | float | str | None = None
    max: int | float | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = {}
    histogram: Histogram | None = None
    top: list[TopValue] = []
    lengths: Lengths | None = None
    gaps: Gaps | None = None
    periods: Periods | None = None
    methods: dict[str, Method] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """``profile.json`` of a dataset version."""

    format: int = 1
    row_count: int
    columns: list[ColumnProfile]
