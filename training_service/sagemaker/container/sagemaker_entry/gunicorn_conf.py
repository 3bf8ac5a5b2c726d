"""How gunicorn serves; `GUNICORN_CMD_ARGS` overrules it, as gunicorn has it."""

import os
import pwd

bind = "0.0.0.0:8080"
workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or os.cpu_count() or 1)
worker_class, threads = "gthread", 4
# SageMaker gives up after 60 s; the worker should not outlive who asked.
timeout = int(os.environ.get("SAGEMAKER_MODEL_SERVER_TIMEOUT", "60"))
control_socket_disable = True


def _is_there(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


# SageMaker starts containers as root. The workers, which run the model's own code, need not be.
if os.geteuid() == 0 and _is_there("model"):
    user = group = "model"
