"""The fake bucket with the simulated clock, and its listings by folder."""

from collections.abc import Callable, Iterator
from datetime import datetime

from shared.objects import ObjectInfo
from tests.buckets import FakeBucket, Marks


class SimBucket(FakeBucket):
    """A bucket whose versions have the simulated time, and which finds a folder's keys without looking at all."""

    def __init__(self, name: str, clock: Callable[[], datetime]) -> None:
        super().__init__(name)
        self._clock = clock
        self._folders: dict[str, dict[str, list[ObjectInfo]]] = {}

    def folders(self, prefix: str) -> Iterator[str]:
        below = {name.removeprefix(prefix) for name in self._folders if name.startswith(prefix)}
        yield from sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in below if rest})

    def list_versions(self, prefix: str, *, deep: bool = True) -> Iterator[ObjectInfo]:
        if not prefix.endswith("/") or (deep and next(self.folders(prefix), None)):
            yield from super().list_versions(prefix, deep=deep)
            return
        folder = self._folders.get(prefix, {})
        for key in sorted(folder):
            yield from reversed(folder[key])

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        if not prefix.endswith("/") or next(self.folders(prefix), None):
            yield from super().list(prefix)
            return
        folder = self._folders.get(prefix, {})
        yield from (folder[key][-1] for key in sorted(folder))

    def delete(self, key: str) -> None:
        super().delete(key)
        self._folders.get(_folder_of(key), {}).pop(key, None)

    def _store(self, key: str, body: bytes, marks: Marks, *, new: bool) -> str:
        version = super()._store(key, body, marks, new=new)
        name, _, _ = self.versions[key][-1]
        self.versions[key][-1] = (name, body, self._clock())
        folder = self._folders.setdefault(_folder_of(key), {})
        folder.setdefault(key, []).append(self.head(key, version))
        return version


def _folder_of(key: str) -> str:
    return key[: key.rfind("/") + 1]
