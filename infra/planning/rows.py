"""The rows of a plan."""

import msgspec


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that would be there: its type as CloudFormation calls it, and who makes it."""

    made_by: str
    part: str
    type: str
    name: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a policy: on a role what it may do, on a resource who may use it."""

    on: str
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principal: str = ""
    condition: str = ""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of the account; `found` is None while no account was asked."""

    service: str
    code: str
    name: str
    needed: float
    short_means: str
    found: float | None = None

    @property
    def is_short(self) -> bool:
        """Say whether the account is known to have too little."""
        return self.found is not None and self.found < self.needed
