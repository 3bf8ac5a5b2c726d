"""What one local SageMaker is started with; the environment switches are read once, here."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Paths, the server's own URL and the limits that AWS keeps in quotas or fixes itself."""

    images: Path
    home: Path
    endpoint_url: str
    training_instances: int = 2
    processing_instances: int = 2
    transform_instances: int = 2
    stop_grace_s: float = 5.0
    invoke_timeout_s: float = 60.0
    serverless_idle_s: float = 300.0
    serverless_awake: int = 8
    use_namespaces: bool = True
    warm_interpreters: bool = True
    faults: Path | None = None

    @property
    def work(self) -> Path:
        """The folder everything on disk is under; removing it forgets every resource."""
        return self.home / "sagemaker"

    @classmethod
    def from_env(
        cls, *, images: Path, home: Path, endpoint_url: str, env: Mapping[str, str] = os.environ
    ) -> "Settings":
        """Build settings from the `LOCALCLOUD_SAGEMAKER_*` variables; unset ones keep their defaults.

        `TRAINING_INSTANCES`, `PROCESSING_INSTANCES` and `TRANSFORM_INSTANCES` are the quotas per instance type, `STOP_GRACE_S`
        the seconds between SIGTERM and SIGKILL (120 on AWS), `SERVERLESS_IDLE_S` and `SERVERLESS_AWAKE` how long a serverless variant
        keeps a container that nobody asks and how many do, `NAMESPACES=off` forces the fallback without
        user namespaces, `WARM=off` starts every program in a fresh interpreter. `FAULTS` names the file of `faults.py`: the door for tests, shut without it.
        """
        prefix = "LOCALCLOUD_SAGEMAKER_"
        return cls(
            images=images.resolve(),
            home=home.resolve(),
            endpoint_url=endpoint_url,
            training_instances=int(env.get(prefix + "TRAINING_INSTANCES", "2")),
            processing_instances=int(env.get(prefix + "PROCESSING_INSTANCES", "2")),
            transform_instances=int(env.get(prefix + "TRANSFORM_INSTANCES", "2")),
            stop_grace_s=float(env.get(prefix + "STOP_GRACE_S", "5")),
            invoke_timeout_s=float(env.get(prefix + "INVOKE_TIMEOUT_S", "60")),
            serverless_idle_s=float(env.get(prefix + "SERVERLESS_IDLE_S", "300")),
            serverless_awake=int(env.get(prefix + "SERVERLESS_AWAKE", "8")),
            use_namespaces=env.get(prefix + "NAMESPACES", "auto") != "off",
            warm_interpreters=env.get(prefix + "WARM", "auto") != "off",
            faults=Path(env[prefix + "FAULTS"]) if env.get(prefix + "FAULTS") else None,
        )
