"""The tarball runs as AWS runs it: by the sagemaker-training toolkit, in script mode."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def _run_toolkit(job, tarball):
    data, config = job.base / "input" / "data", job.base / "input" / "config"
    (data / "code").mkdir()
    shutil.copy(tarball, data / "code" / "sourcedir.tar.gz")
    config.mkdir()
    channels = {p.name: {"TrainingInputMode": "File"} for p in data.iterdir()}
    documents = {
        "hyperparameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": str(data / "code" / "sourcedir.tar.gz"),
        },
        "inputdataconfig": channels,
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
    }
    for name, document in documents.items():
        (config / f"{name}.json").write_text(json.dumps(document))
    # Studio's local mode is the toolkit's own switch for not resolving the hosts' names.
    own = {"SAGEMAKER_BASE_DIR": str(job.base), "SM_STUDIO_LOCAL_MODE": "true", "OMP_NUM_THREADS": "1"}
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(job.base), **own}
    train = Path(sys.executable).with_name("train")
    return subprocess.run([train], env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_the_toolkit_trains_from_the_tarball_and_finds_a_servable_model(make_job, rows, schema, tarball):
    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)])
    done = _run_toolkit(job, tarball)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "metric: log_loss=" in done.stdout
    assert (job.model / "code" / "inference.py").is_file()
    assert job.evaluation["rows"] == 100


def test_the_sentence_for_the_user_survives_the_toolkit(make_job, rows, schema, tarball):
    sides = [rows(n, seed).assign(y="yes") for n, seed in ((100, 1), (30, 2), (30, 3))]
    job = make_job(schema, sides)
    assert _run_toolkit(job, tarball).returncode != 0
    assert job.failure.startswith("The target 'y' has only the class 'yes'")
