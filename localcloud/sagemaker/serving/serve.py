"""Start the model server of the scikit-learn image: gunicorn on the socket file given as argument.

Runs inside the image's environment, by path. Like the image it brings the user's code to /opt/ml/code and
installs its requirements. The image also imports the script once before any worker exists; that would
double the seconds scikit-learn takes to import, and a broken script shows on the first /ping as well.
"""

import os
import runpy
import sys
from pathlib import Path

# This folder holds one package and nothing else: a user's module can carry any other name.
sys.path.insert(0, str(Path(__file__).parent))

from sklearn_container import user_code  # type: ignore[import-not-found]  # on the path set above


def main(socket_path: str) -> None:
    """Prepare the user's code, then become gunicorn; in a new process image only where there is new code to import."""
    environment = user_code.ServingEnvironment.from_env()
    has_new_code = user_code.prepare(environment)
    python_path = ",".join([str(Path(__file__).parent), str(environment.code_dir)])
    # The image uses gevent workers; four threads interleave requests likewise and start in half the time.
    options = ["--timeout", str(environment.timeout_s), "-k", "gthread", "--threads", "4"]
    options += ["--pythonpath", python_path, "-b", f"unix:{socket_path}", "-w", str(environment.workers)]
    options += ["--log-level", "info", "--no-control-socket", "sklearn_container.wsgi:application"]
    if has_new_code:
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options])  # noqa: S606 - becomes the server
    # A second process image would be a second copy of a warm interpreter, with two more processes to watch it.
    sys.argv[:] = ["gunicorn", *options]
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
