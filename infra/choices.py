"""What an operator may choose of a stage; what is left out stays as it was chosen last."""

import msgspec


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """None stands for the last choice, and at first for the default.

    Attributes
    ----------
    alert_email
        Who gets alarms and failures by mail; empty is nobody.
    web_acl
        Whether a web ACL stands before the distribution; it costs, so by default only that of prod has one.
    blocked_addresses
        Networks (CIDR, IPv4) that the web ACL refuses.
    """

    alert_email: str | None = None
    web_acl: bool | None = None
    blocked_addresses: tuple[str, ...] | None = None


AS_BEFORE = Choices()
