"""The keys of a definition that its task asks for, and the columns that play a part in it."""

import json
import re

import click
import msgspec

TASKS = ("classification", "regression", "forecasting", "text", "image", "recommendation")
# Tasks of the same columns: which it is only the person knows.
ALIKE = ("classification", "regression")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NEEDED = {
    "classification": ("target",),
    "regression": ("target",),
    "forecasting": ("target", "time", "horizon"),
    "text": ("target", "text"),
    "recommendation": ("user", "item"),
}
_OWN = {
    "classification": ("target",),
    "regression": ("target",),
    "forecasting": ("target", "time", "series", "horizon"),
    "text": ("target", "text"),
    "recommendation": ("user", "item", "time", "rating"),
}
# What is given tells the task where the values of the target need not: the first line that fits.
_TOLD_BY = (("user", "recommendation"), ("horizon", "forecasting"), ("text", "text"))


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """The task, and columns by the part they play; ``task`` None leaves it to the values of the target."""

    task: str | None = None
    target: str | None = None
    time: str | None = None
    key: str | None = None
    group: str | None = None
    text: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    horizon: int | None = None
    user: str | None = None
    item: str | None = None
    rating: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that have a part, without which no row is of use."""
        single = (self.target, self.time, self.key, self.group, self.user, self.item)
        return tuple(dict.fromkeys([name for name in single if name] + list(self.series)))


def settle_task(roles: Roles) -> Roles:
    """Return the roles with the task that the options tell, and demand what it needs.

    Raises
    ------
    UsageError
        An option is missing.
    """
    told = next((task for option, task in _TOLD_BY if getattr(roles, option)), None)
    task = roles.task or told
    missing = [option for option in _NEEDED.get(task or "", ("target",)) if not getattr(roles, option)]
    if missing:
        asked = " and ".join(f"--{option}" for option in missing)
        raise click.UsageError(f"{f'a {task} pipeline' if task else 'a table'} needs {asked}")
    return msgspec.structs.replace(roles, task=task)


def own_keys(roles: Roles, task: str) -> str:
    """Return the lines of YAML that only this task has."""
    values = [(key, getattr(roles, key)) for key in _OWN[task]]
    return "\n".join(f"{key}: {_yaml(value)}" for key, value in values if value)


def task_line(task: str) -> str:
    """Return the task with the word for what else it could be."""
    return f"{task}    # {' | '.join(ALIKE)}" if task in ALIKE else task


def scalar(text: str) -> str:
    """Return a YAML scalar; a JSON string is one, for names that would mean something else unquoted."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null", "yes", "no", "on", "off"}
    return text if plain else json.dumps(text, ensure_ascii=False)


def _yaml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(scalar, value))}]"
    return scalar(value) if isinstance(value, str) else str(value)
