"""The call sites of the operator's commands: whatever goes wrong ends them with one line and an exit code."""

from docs.aws_errors.clouds import Cloud
from docs.aws_errors.of_shared import Probe
from headrace.operate import log_lines
from headrace.operate.commands import alarms
from headrace.operate.dead_letters import DeadLetters
from headrace.operate.project import told_in_one_line

_MESSAGE = {"MessageId": "m", "ReceiptHandle": "h", "Body": "{}"}
_OUTPUTS = {f"{service}DeadLettersArn": "arn:q" for service in ("Ingest", "Training", "Inference")}


class _Stage:
    """A stage whose clients are the cloud's."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def client(self, _: str) -> object:
        """Return the one client of all services."""
        return self._cloud.client()


def _letters(cloud: Cloud) -> DeadLetters:
    received = (
        {} if cloud.is_of("ReceiveMessage") else {"receive_message": [{"Messages": [_MESSAGE]}, {}, {}]}
    )
    client = cloud.client(**received)
    return DeadLetters(client, client, {"ingest": "q"})


def _give_back(cloud: Cloud) -> None:
    with _letters(cloud) as letters:
        letters.collect()


def _redrive(cloud: Cloud) -> None:
    letters = _letters(cloud)
    letters.redrive(letters.collect()[0])


def _drop(cloud: Cloud) -> None:
    letters = _letters(cloud)
    letters.drop(letters.collect()[0])


def told(probe: Probe) -> Probe:
    """Make the call as a command does."""

    def telling(cloud: Cloud) -> None:
        with told_in_one_line():
            probe(cloud)

    return telling


_COMMANDS: dict[tuple[str, str], Probe] = {
    ("dead_letters.DeadLetters.of", "GetQueueUrl"): lambda cloud: DeadLetters.of(_Stage(cloud), _OUTPUTS),
    ("dead_letters.DeadLetters._receive", "ReceiveMessage"): lambda cloud: _letters(cloud).collect(),
    ("dead_letters.DeadLetters.__exit__", "ChangeMessageVisibility"): _give_back,
    ("dead_letters.DeadLetters.redrive", "Invoke"): _redrive,
    ("dead_letters.DeadLetters.drop", "DeleteMessage"): _drop,
    ("log_lines.find_groups", "DescribeLogGroups"): lambda cloud: log_lines.find_groups(
        cloud.client(), "dev", ""
    ),
    ("log_lines._events", "FilterLogEvents"): lambda cloud: log_lines.read_lines(
        cloud.client(), ["g"], 0, {}
    ),
    ("commands.alarms.find_alarms", "DescribeAlarms"): lambda cloud: alarms.find_alarms(cloud.client(), "p"),
    ("commands.alarms.last_changes", "DescribeAlarmHistory"): lambda cloud: alarms.last_changes(
        cloud.client(), "a"
    ),
}
PROBES: dict[tuple[str, str], Probe] = {
    (f"headrace.operate.{place}", operation): told(probe) for (place, operation), probe in _COMMANDS.items()
}
