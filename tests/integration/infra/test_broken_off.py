"""Whatever call of AWS goes wrong, an operator's command ends in one line that says what to do, and goes on when run again.

`BROKEN_OFF=every` in the environment breaks the commands at every operation they ask for, which takes minutes.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.operate import stages
from infra.deploy import find_deployment
from infra.harden import is_hardened
from infra.removal.table import inventory
from infra.stage import Stage
from tests.integration.infra.broken_calls import FAULTS, Breaker, Fault, Operation, breaker
from tests.integration.infra.conftest import Deployed
from tests.integration.infra.mini import make_checkout
from tests.integration.infra.operator import Operator, assert_told

EVERY = os.environ.get("BROKEN_OFF") == "every"
# One in the middle of each step, and those that commit: what is half done there is the hardest to go on from.
SAMPLED = {
    "CreateStack",
    "DeleteFunction",
    "DeleteStack",
    "DeleteTable",
    "PutGatewayResponse",
    "PutSecretValue",
    "PutTargets",
    "RemoveTargets",
    "UpdateStack",
}
# What only looks, on a stage that stands: each of their calls goes wrong in each way.
LOOKING = {
    "alarms": ("alarms",),
    "cost": ("cost",),
    "dead letters": ("dlq", "ls"),
    "destroy --plan": ("destroy", "--plan"),
    "logs": ("logs",),
    "harden": ("deploy", "--harden"),
    "render": ("deploy", "--render"),
    "tokens": ("tokens", "ls"),
}
# A letter that cannot be given back comes back by itself.
GIVE_BACK = ("sqs", "ChangeMessageVisibility")


def is_broken_here(operation: Operation) -> bool:
    """Say whether a command that changes the stage is broken off there."""
    return EVERY or operation[1] in SAMPLED


@pytest.fixture(scope="module")
def calls(deployed: Deployed) -> Iterator[Breaker]:
    with breaker() as made:
        yield made


@pytest.fixture
def side(
    deployed: Deployed,
    calls: Breaker,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Operator:
    """An operator whose stage is not there yet, on the cloud of the first one."""
    root = make_checkout(tmp_path_factory.mktemp("broken"))
    (root / "infra").mkdir()
    (root / ".headrace").mkdir()
    (root / ".headrace" / "recipes").symlink_to(deployed.root / ".headrace" / "recipes")
    where = deployed.stage
    stage = Stage(name="broken", region=where.region, account=where.account, endpoint_url=where.endpoint_url)
    monkeypatch.setattr(Stage, "of", lambda _: stage)
    return Operator(stage, root, calls)


@pytest.fixture
def main(deployed: Deployed, calls: Breaker, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An operator of the stage that stands."""
    (deployed.root / "infra").mkdir(exist_ok=True)
    monkeypatch.setattr(stages, "local_url", lambda _: deployed.stage.endpoint_url)
    return Operator(deployed.stage, deployed.root, calls)


@pytest.fixture
def letter(deployed: Deployed) -> Iterator[str]:
    """The id of an event that nobody could handle, in a queue of the stage that stands."""
    sqs: Any = deployed.stage.client("sqs")
    queue = sqs.get_queue_url(QueueName="headrace-local-training-dead-letters")["QueueUrl"]
    yield sqs.send_message(QueueUrl=queue, MessageBody="{}")["MessageId"]
    sqs.purge_queue(QueueUrl=queue)


@pytest.mark.timeout(1800)
def test_a_stage_is_made_changed_and_removed_though_one_call_after_the_other_breaks_the_command_off(
    side: Operator, figure: Callable[[str, object], None]
) -> None:
    deployed = side.broken_off(is_broken_here, "deploy")
    outputs = find_deployment(side.stage)
    assert outputs is not None
    assert is_hardened(side.stage, outputs)
    assert '"changed": false' in side.run("deploy", "-o", "json").stdout
    rotated = side.broken_off(is_broken_here, "rotate")
    assert side.run("deploy").exit_code == 0
    removed = side.broken_off(is_broken_here, "destroy", "--data", "--yes")
    assert inventory(side.stage) == []
    assert {name for _, name in deployed | rotated | removed} >= SAMPLED
    counts = f"{len(deployed)} of a deployment, {len(rotated)} of a rotation, {len(removed)} of a removal"
    figure("operations of AWS at which an operator's command broke off and went on when run again", counts)


@pytest.mark.parametrize("name", LOOKING)
def test_a_command_that_looks_ends_in_one_line_whatever_is_refused(main: Operator, name: str) -> None:
    operations = main.operations(*LOOKING[name]) - {GIVE_BACK}
    assert operations
    for number, operation in enumerate(sorted(operations)):
        for fault in FAULTS if EVERY else [FAULTS[number % len(FAULTS)]]:
            with main.calls.armed(operation.__eq__, fault):
                result = main.run(*LOOKING[name])
            assert main.calls.struck == operation
            assert_told(result, fault, operation)


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_dead_letter_is_shown_though_it_cannot_be_given_back(
    main: Operator, letter: str, fault: Fault
) -> None:
    with main.calls.armed(GIVE_BACK.__eq__, fault):
        result = main.run("dlq", "ls")
    assert main.calls.struck == GIVE_BACK
    assert result.exit_code == 0, result.output
    assert letter[:8] in result.stdout
