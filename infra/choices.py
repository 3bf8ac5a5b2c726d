"""What an operator may choose of a stage; what is left out stays as it was chosen last."""

import ipaddress
import re
from collections.abc import Mapping

import msgspec

from infra import own_key
from infra.errors import InvalidChoice
from infra.stage import Stage


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
    own_key
        ARN of the KMS key that encrypts what the stage keeps; by default AWS's own keys do. Chosen once.
    access_logs
        Name of the bucket for the access logs of S3 and CloudFront; empty is none.
    """

    alert_email: str | None = None
    web_acl: bool | None = None
    blocked_addresses: tuple[str, ...] | None = None
    own_key: str | None = None
    access_logs: str | None = None


AS_BEFORE = Choices()


def of_foundation(stage: Stage, before: Mapping[str, str], choices: Choices) -> dict[str, str]:
    """Return the foundation's parameters that are chosen; *before* are its outputs so far.

    Raises
    ------
    InvalidKey
    """
    logs = before.get("AccessLogs", "") if choices.access_logs is None else choices.access_logs
    return {own_key.OUTPUT: own_key.settle(stage, before, choices.own_key), "AccessLogs": logs}


def of_edge(stage: Stage, before: Mapping[str, str], choices: Choices) -> dict[str, str]:
    """Return the edge's parameters that are chosen; *before* are its outputs so far.

    Raises
    ------
    InvalidChoice
        A network is none, or nothing would refuse it.
    """
    has_one = before.get("WithWaf", "true" if stage.is_prod else "false")
    if choices.web_acl is not None:
        has_one = "true" if choices.web_acl else "false"
    blocked = before.get("BlockedAddresses", "")
    if choices.blocked_addresses is not None:
        blocked = ",".join(map(_network, choices.blocked_addresses))
        if blocked and has_one == "false":
            raise InvalidChoice(f"stage {stage.name!r} has no web ACL that would refuse {blocked}: add --waf")
    return {"WithWaf": has_one, "BlockedAddresses": blocked}


def _network(text: str) -> str:
    """Return the network as the web ACL wants it: one address is a network too, all of them are not."""
    try:
        network = ipaddress.IPv4Network(text.strip())
    except ValueError as error:
        raise InvalidChoice(f"{text!r} is no IPv4 network such as 203.0.113.0/24: {error}") from error
    if network.prefixlen == 0:
        raise InvalidChoice(f"{text!r} is everybody; a web ACL takes no such network")
    return str(network)


def of_observability(before: Mapping[str, str], choices: Choices) -> dict[str, str]:
    """Return the parameters that are chosen of what watches a stage; *before* are its outputs so far.

    Raises
    ------
    InvalidChoice
        The address could be nobody's.
    """
    email = before.get("AlertEmail", "") if choices.alert_email is None else choices.alert_email
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise InvalidChoice(f"{email!r} is no address for e-mail")
    return {"AlertEmail": email}
