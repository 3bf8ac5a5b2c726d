"""Which columns a pipeline's definition gives a part to play."""

import msgspec
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import (
    Classification,
    Forecasting,
    Image,
    PipelineDefinition,
    Recommendation,
    Regression,
    Text,
    group_column,
    target_of,
)


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """Columns by role; every one of :attr:`required` must have a value in every row.

    ``time`` is a role only where the split needs it, ``label`` the target that names a class, ``numbers`` the
    columns that must hold numbers and ``others`` what only one task has (series, text, user, item): role by column.
    """

    target: str | None = None
    label: str | None = None
    time: str | None = None
    key: str | None = None
    group: str | None = None
    numbers: dict[str, str] = {}
    others: dict[str, str] = {}

    @property
    def required(self) -> dict[str, str]:
        """Role by column name."""
        named = {"group": self.group, "key": self.key, "time": self.time, "target": self.target}
        # Last wins: a column of two roles is told by the one that matters most.
        return self.others | self.numbers | {column: role for role, column in named.items() if column}


def roles_of(definition: PipelineDefinition) -> Roles:
    """Return the roles that *definition* gives."""
    target = target_of(definition)
    is_label = isinstance(definition, Classification | Text | Image)
    return Roles(
        target=target,
        label=target if is_label else None,
        time=definition.data.time if definition.split.by == "time" else None,
        key=definition.data.key,
        group=group_column(definition.split.by),
        numbers=_numbers(definition),
        others=_others(definition),
    )


def _numbers(definition: PipelineDefinition) -> dict[str, str]:
    if isinstance(definition, Regression | Forecasting):
        return {definition.target: "target"}
    if isinstance(definition, Recommendation) and definition.rating:
        return {definition.rating: "rating"}
    return {}


def _others(definition: PipelineDefinition) -> dict[str, str]:
    match definition:
        case Forecasting():
            return dict.fromkeys(definition.series, "series")
        case Text(text=(only,)):
            return {only: "text"}
        case Recommendation():
            return {definition.user: "user", definition.item: "item"}
    return {}


def check_columns(columns: tuple[str, ...], definition: PipelineDefinition) -> None:
    """Demand every column that the definition names, the dropped ones excepted.

    Raises
    ------
    InvalidDataset
        ``missing_column``.
    """
    wanted = dict(roles_of(definition).required)
    if definition.data.time:
        wanted.setdefault(definition.data.time, "time")
    if isinstance(definition, Text):
        # Of several texts each may be empty, a title or a body; the columns themselves must be there.
        wanted = dict.fromkeys(definition.text, "text") | wanted
    missing = [f"{role} {name!r}" for name, role in wanted.items() if name not in columns]
    if missing:
        shown = ", ".join(repr(name) for name in columns[:20])
        raise rejection("missing_column", f"The file has no column for {', '.join(missing)}; it has {shown}.")
