"""Makes pipelines on a deployed stage and follows them; the fixtures with one are in `tests/conftest.py`."""

from typing import Any

from tests.e2e.data import DEFINITION
from tests.stage import Stage, eventually


class Pipelines:
    """Makes pipelines on the stage and follows them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def create(self, name: str, **changes: Any) -> str:
        """Create a pipeline for the deliveries data."""
        self.stage.put_pipeline(name, **(DEFINITION | changes))
        return name

    def datasets(self, name: str) -> list[dict[str, Any]]:
        """Return the dataset versions, newest first."""
        found: list[dict[str, Any]] = self.stage.get(f"/v1/datasets/{name}")["versions"]
        return found

    def settled(self, name: str, key: str) -> dict[str, Any]:
        """Return the dataset version of the object *key* once it is at rest."""

        def probe() -> dict[str, Any] | None:
            for version in self.datasets(name):
                at_rest = version["state"] in {"READY", "REJECTED", "FAILED"}
                if version["key"].endswith(f"/{key}") and at_rest:
                    return version
            return None

        return eventually(probe) or {}

    def live(self, name: str, version: str) -> dict[str, Any]:
        """Return the release row once *version* is live and nothing rolls out."""

        def probe() -> dict[str, Any] | None:
            status, _, row = self.stage.request("GET", f"/v1/endpoints/{name}")
            ready = status == 200 and row["live"] == version and row["phase"] == "IDLE"
            return row if ready else None

        return eventually(probe, within_s=180) or {}

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the training jobs."""
        found: list[dict[str, Any]] = self.stage.get(f"/v1/training-jobs?pipeline={name}")["jobs"]
        return found
