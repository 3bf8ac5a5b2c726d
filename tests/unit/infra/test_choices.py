"""What may be chosen of a stage, and what is refused before anything is made."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import deploy as deploying
from infra import stage as stages
from infra.choices import AS_BEFORE, Choices, of_edge, of_observability
from infra.errors import DeployError, InvalidChoice, InvalidKey
from infra.planning.plan import chosen, stack_resources
from infra.stage import Stage
from tests.aws_calls import Recorder

DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
BEFORE = {"WithWaf": "true", "BlockedAddresses": "192.0.2.0/24", "AlertEmail": "ops@example.org"}


def test_what_is_left_out_stays_as_it_was() -> None:
    assert of_edge(DEV, BEFORE, AS_BEFORE) == {"WithWaf": "true", "BlockedAddresses": "192.0.2.0/24"}
    assert of_observability(BEFORE, AS_BEFORE) == {"AlertEmail": "ops@example.org"}


def test_what_is_empty_takes_it_away() -> None:
    assert of_edge(DEV, BEFORE, Choices(blocked_addresses=()))["BlockedAddresses"] == ""
    assert of_observability(BEFORE, Choices(alert_email="")) == {"AlertEmail": ""}


def test_one_address_is_a_network_too() -> None:
    chosen = of_edge(DEV, BEFORE, Choices(blocked_addresses=("203.0.113.7", "198.51.100.0/24")))
    assert chosen["BlockedAddresses"] == "203.0.113.7/32,198.51.100.0/24"


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("nonsense", "'nonsense' is no IPv4 network such as 203.0.113.0/24"),
        ("203.0.113.7/24", "has host bits set"),
        ("2001:db8::/32", "is no IPv4 network"),
        ("0.0.0.0/0", "is everybody"),
    ],
)
def test_what_a_web_acl_would_not_take_is_refused(network: str, why: str) -> None:
    with pytest.raises(InvalidChoice, match=why):
        of_edge(DEV, BEFORE, Choices(blocked_addresses=(network,)))


def test_networks_that_nothing_would_refuse_are_refused() -> None:
    blocked = Choices(blocked_addresses=("192.0.2.0/24",))
    with pytest.raises(
        InvalidChoice, match=r"stage 'dev' has no web ACL that would refuse 192\.0\.2\.0/24: add --waf"
    ):
        of_edge(DEV, {}, blocked)
    # Taken off for a while, the web ACL finds its list again.
    assert of_edge(DEV, BEFORE, Choices(web_acl=False))["BlockedAddresses"] == "192.0.2.0/24"


@pytest.mark.parametrize("address", ["nonsense", "a@b", "two words@example.org", "a@b@c.org"])
def test_mail_goes_to_what_may_be_an_address(address: str) -> None:
    with pytest.raises(InvalidChoice, match="is no address for e-mail"):
        of_observability({}, Choices(alert_email=address))


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        (Choices(blocked_addresses=("nonsense",)), InvalidChoice),
        (Choices(alert_email="nonsense"), InvalidChoice),
        (Choices(own_key="nonsense"), InvalidKey),
    ],
)
def test_a_deployment_refuses_before_it_makes_anything(
    monkeypatch: pytest.MonkeyPatch, choices: Choices, error: type[DeployError]
) -> None:
    def before(_: Stage) -> Mapping[str, str]:
        return BEFORE

    monkeypatch.setattr(deploying, "outputs_of_stacks", before)
    with pytest.raises(error):
        deploying.deploy(DEV, root=Path(), on_step=lambda step: pytest.fail(step.name), choices=choices)


@pytest.mark.parametrize(("name", "protected"), [("prod", "true"), ("dev", "false")])
def test_only_the_tables_of_prod_are_protected_from_deletion(
    monkeypatch: pytest.MonkeyPatch, name: str, protected: str
) -> None:
    asked: list[Mapping[str, str]] = []
    stage = Stage(name=name, region="eu-west-1", account="111122223333")
    monkeypatch.setattr(stages, "_client", Recorder({}).client)
    monkeypatch.setattr(deploying, "deploy_stack", lambda *told, **_: asked.append(told[3]))
    deploying._deploy_foundation(stage, {}, {})
    planned = stack_resources(chosen(stage))["foundation"]["JobsTable"]["Properties"]
    assert asked[0]["DeletionProtection"] == protected
    assert planned["DeletionProtectionEnabled"] == (protected == "true")
