"""Which columns a pipeline's definition gives a part to play."""

import msgspec
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import PipelineDefinition, group_column


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """Columns by role; every one of them must have a value in every row.

    ``time`` is a role only where the split needs it.
    """

    target: str
    time: str | None = None
    key: str | None = None
    group: str | None = None

    @property
    def required(self) -> dict[str, str]:
        """Role by column name."""
        named = {"group": self.group, "key": self.key, "time": self.time, "target": self.target}
        return {column: role for role, column in named.items() if column}


def roles_of(definition: PipelineDefinition) -> Roles:
    """Return the roles that *definition* gives."""
    return Roles(
        target=definition.target,
        time=definition.data.time if definition.split.by == "time" else None,
        key=definition.data.key,
        group=group_column(definition.split.by),
    )


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
    missing = [f"{role} {name!r}" for name, role in wanted.items() if name not in columns]
    if missing:
        shown = ", ".join(repr(name) for name in columns[:20])
        raise rejection("missing_column", f"The file has no column for {', '.join(missing)}; it has {shown}.")
