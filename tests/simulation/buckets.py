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
        self._inside: dict[str, set[str]] = {}  # of each folder the folders right in it

    def folders(self, prefix: str) -> Iterator[str]:
        yield from sorted(self._inside.get(prefix, ()))

    def list_versions(self, prefix: str, *, deep: bool = True) -> Iterator[ObjectInfo]:
        if not prefix.endswith("/") or (deep and prefix in self._inside):
            yield from super().list_versions(prefix, deep=deep)
            return
        folder = self._folders.get(prefix, {})
        for key in sorted(folder):
            yield from reversed(folder[key])

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        if not prefix.endswith("/"):
            yield from super().list(prefix)
            return
        found = {
            key: told[-1] for folder in self._all_in(prefix) for key, told in self._folders[folder].items()
        }
        yield from (found[key] for key in sorted(found))

    def delete(self, key: str) -> None:
        super().delete(key)
        self._folders.get(_folder_of(key), {}).pop(key, None)

    def _store(self, key: str, body: bytes, marks: Marks, *, new: bool) -> str:
        version = super()._store(key, body, marks, new=new)
        name, _, _ = self.versions[key][-1]
        self.versions[key][-1] = (name, body, self._clock())
        name = _folder_of(key)
        if name not in self._folders:
            self._add_folder(name)
        self._folders[name].setdefault(key, []).append(self.head(key, version))
        return version

    def _add_folder(self, name: str) -> None:
        self._folders[name] = {}
        while name:
            above = _folder_of(name[:-1])
            self._inside.setdefault(above, set()).add(name)
            name = above

    def _all_in(self, prefix: str) -> Iterator[str]:
        """Yield the folders that hold objects, from *prefix* down."""
        if prefix in self._folders:
            yield prefix
        for inside in self._inside.get(prefix, ()):
            yield from self._all_in(inside)


def _folder_of(key: str) -> str:
    return key[: key.rfind("/") + 1]
