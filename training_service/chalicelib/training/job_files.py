"""Adapter: the files of a training job in the data bucket, ``jobs/<job_id>/…``."""

import hashlib

import msgspec
from chalicelib.training.plan import TrainingPlan, channel_manifest

from shared.objects import Bucket


class JobFiles:
    """Writes what a job reads, and reads back its plan."""

    def __init__(self, data: Bucket) -> None:
        self.bucket = data

    def write(self, plan: TrainingPlan) -> None:
        """Write parameters, channel manifests and, last, the plan; writing the same plan again changes nothing."""
        self._write(plan, "parameters.json", encode_parameters(plan))
        for side, keys in plan.channels.items():
            manifest = channel_manifest(self.bucket.name, keys)
            self._write(plan, f"{side}.manifest", msgspec.json.encode(manifest))
        self._write(plan, "plan.json", msgspec.json.encode(plan))

    def read(self, job_id: str) -> TrainingPlan:
        """Return the plan of a job."""
        return msgspec.json.decode(self.bucket.read(f"jobs/{job_id}/plan.json"), type=TrainingPlan)

    def _write(self, plan: TrainingPlan, name: str, body: bytes) -> None:
        self.bucket.write(f"jobs/{plan.job_id}/{name}", body, content_type="application/json")


def encode_parameters(plan: TrainingPlan) -> bytes:
    """Return the bytes of ``parameters.json``."""
    return msgspec.json.encode(plan.parameters, order="sorted")


def hash_parameters(plan: TrainingPlan) -> str:
    """Return the SHA-256 of ``parameters.json``, for the model's lineage."""
    return hashlib.sha256(encode_parameters(plan)).hexdigest()
