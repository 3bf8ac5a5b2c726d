"""Adapter: the profiles of the datasets that models were trained on, the baseline of drift."""

import msgspec
from chalicelib.inference.drift_index import Profile

from shared.entities.training import ModelVersion
from shared.errors import NotFound
from shared.objects import Bucket

_MAX_ENTRIES = 64


class Baselines:
    """Reads profiles, each once: a dataset version never changes."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[str, Profile] = {}

    def of(self, model: ModelVersion) -> Profile | None:
        """Return the profile of the newest dataset a version was trained on, None where it is gone."""
        key = f"datasets/{model.pipeline}/{model.dataset_version}/profile.json"
        if key not in self._known:
            try:
                profile = msgspec.json.decode(self._bucket.read(key), type=Profile)
            except NotFound:
                return None
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            self._known[key] = profile
        return self._known[key]
