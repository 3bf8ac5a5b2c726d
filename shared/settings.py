"""Settings from the environment: read once, typed, frozen."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec


class ConfigurationError(Exception):
    """Environment variables are missing or malformed; the message names all of them."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field per environment variable of the same name in upper case; services add their own."""

    stage: str
    idempotency_table: str
    origin_secret_arn: str
    tokens_table: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every field from *env*.

        Raises
        ------
        ConfigurationError
            Names all missing and malformed variables together, so that one deploy can mend them all.
        """
        # Collected instead of raised at the first: a deploy takes minutes, so each round must tell everything.
        problems: list[str] = []
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            name = field.name.upper()
            if name in env:
                try:
                    values[field.name] = _read(env[name], field.type)
                except msgspec.ValidationError as error:
                    problems.append(f"{name} ({error})")
            elif field.required:
                problems.append(f"{name} (missing)")
        if problems:
            raise ConfigurationError(f"environment variables of {cls.__module__}: {', '.join(problems)}")
        return cls(**values)


def _read(text: str, kind: object) -> object:
    """Convert *text* to *kind*; anything but a scalar is spelled as JSON."""
    if kind in {str, int, float, bool}:
        # Not strict: in the environment everything is text, also 300 and true.
        return msgspec.convert(text, kind, strict=False)
    return msgspec.json.decode(text, type=kind)
