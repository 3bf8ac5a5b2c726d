"""How long a prediction waits for its endpoint, and that nobody asks twice behind its back."""

from collections.abc import Iterator

import pytest

from shared.aws import Call, NoAnswer, service
from shared.aws.connections import Answer, Request, Timeouts


class Silent:
    """Connections over which nothing ever comes back."""

    made: list["Silent"] = []

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.asked = 0
        self.made.append(self)

    def send(self, _: Request) -> Answer:
        """Stay silent."""
        self.asked += 1
        raise NoAnswer("silence", is_late=True)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Silent]]:
    """The connections that the runtime of this process makes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr(Silent, "made", [])
    monkeypatch.setattr(service, "Connections", Silent)
    service.sagemaker_runtime.cache_clear()
    yield Silent.made
    service.sagemaker_runtime.cache_clear()


def test_an_endpoint_is_asked_once_with_a_second_to_connect_and_twenty_to_answer(
    silent: list[Silent],
) -> None:
    for _ in range(2):
        with pytest.raises(NoAnswer):
            service.sagemaker_runtime().send(Call(method="POST"), lambda answer: answer)
    (connections,) = silent
    assert connections.timeouts == Timeouts(connect_s=1, read_s=20)
    assert connections.asked == 2
