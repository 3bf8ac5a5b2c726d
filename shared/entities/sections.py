"""What every part of a pipeline definition is made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Percent = Annotated[str, Meta(pattern=r"^(100|[0-9]{1,2})(\.[0-9]+)?%$", description="such as 20%")]
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[smhd]$", description="such as 90s, 10m, 1h, 7d")]
DurationOrNever = Annotated[
    str, Meta(pattern=r"^(never|[0-9]{1,6}[smhd])$", description="such as 4h, or never")
]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the definition; unknown keys are refused."""
