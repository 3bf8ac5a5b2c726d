"""Updates of endpoints in few words: one that always answers, asked for as long as the update lasts."""

import threading
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import Cloud
from tests.integration.sagemaker.hosting import ask


class Load:
    """Quick and slow requests one after the other, from the start of the block to its end; who answered them."""

    def __init__(self, cloud: Cloud, endpoint: str) -> None:
        self._cloud, self._endpoint = cloud, endpoint
        self.answers: list[str] = []
        self.errors: list[str] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(body,)) for body in ("x", "slow")]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, body: str) -> None:
        while not self._is_over.is_set():
            try:
                self.answers.append(ask(self._cloud, self._endpoint, body).split()[0])
            except ClientError as error:
                self.errors.append(str(error))


def update(cloud: Cloud, endpoint: str, config: str, **more: Any) -> None:
    cloud.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)
