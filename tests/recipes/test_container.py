"""The entry points of the extra image, as processes with an /opt/ml of their own."""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

CONTAINER = Path(__file__).resolve().parents[2] / "training_service" / "sagemaker" / "container"


def environ(base, **more):
    return {"PATH": os.environ["PATH"], "HOME": str(base), "SAGEMAKER_BASE_DIR": str(base), **more}


def lay_out(base, files, **hyperparameters):
    """Fill the folders as SageMaker would, with the recipe as its tarball."""
    code, config = base / "input" / "data" / "code", base / "input" / "config"
    code.mkdir(parents=True)
    config.mkdir()
    with tarfile.open(code / "sourcedir.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    order = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        **hyperparameters,
    }
    (config / "hyperparameters.json").write_text(json.dumps(order))
    return base


def train(base):
    command = [sys.executable, str(CONTAINER / "bin" / "train")]
    return subprocess.run(command, env=environ(base), capture_output=True, text=True, timeout=60, check=False)


def failure(base):
    return (base / "output" / "failure").read_text()


SAYS = """
import json, os, pathlib
told = {name: value for name, value in os.environ.items() if name.startswith("SM_")}
pathlib.Path(told["SM_MODEL_DIR"], "told.json").write_text(json.dumps(told))
print("metric: log_loss=0.5")
"""


def test_a_script_is_run_with_what_sagemaker_told_the_container(tmp_path):
    base = lay_out(tmp_path, {"train.py": SAYS}, depth="3")
    done = train(base)
    assert (done.returncode, done.stdout) == (0, "metric: log_loss=0.5\n"), done.stderr
    told = json.loads((base / "model" / "told.json").read_text())
    assert told["SM_CHANNEL_CODE"] == str(base / "input" / "data" / "code")
    assert (told["SM_HP_DEPTH"], json.loads(told["SM_HPS"])) == ("3", {"depth": 3})
    assert json.loads(told["SM_CHANNELS"]) == ["code"]
    assert not (base / "output" / "failure").exists()


def test_a_script_that_fails_is_told_by_its_last_words_and_its_exit_code(tmp_path):
    base = lay_out(tmp_path, {"train.py": "import sys\nsys.exit('no such column')\n"})
    assert train(base).returncode == 1
    assert failure(base) == "train.py ended with 1: no such column"


def test_what_a_script_says_of_its_failure_itself_stays(tmp_path):
    script = "import os, sys, pathlib\npathlib.Path(os.environ['SM_OUTPUT_DIR'], 'failure').write_text('mine')\nsys.exit(3)\n"
    base = lay_out(tmp_path, {"train.py": script})
    assert (train(base).returncode, failure(base)) == (3, "mine")


@pytest.mark.parametrize(
    ("files", "order", "says"),
    [
        ({"other.py": ""}, {}, "there is no train.py in the recipe"),
        ({"../x.py": ""}, {}, "cannot be unpacked"),
        ({"train.py": ""}, {"sagemaker_program": "3"}, "name no sagemaker_program"),
        ({"train.py": ""}, {"sagemaker_submit_directory": '"/opt/ml/none.tar.gz"'}, "cannot be unpacked"),
    ],
)
def test_a_job_that_cannot_start_says_why(tmp_path, files, order, says):
    base = lay_out(tmp_path / "ml", files, **order)
    assert train(base).returncode == 1
    assert says in failure(base)
    assert not (tmp_path / "x.py").exists()


WAITS = """
import pathlib, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(os.environ["SM_MODEL_DIR"], "saved").touch(), sys.exit(0)))
print("ready", flush=True)
time.sleep(60)
"""


def test_a_stopped_script_hears_of_it_and_may_save_what_it_has(tmp_path):
    base = lay_out(tmp_path, {"train.py": WAITS})
    command = [sys.executable, str(CONTAINER / "bin" / "train")]
    with subprocess.Popen(command, env=environ(base), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (base / "model" / "saved").exists()


ANSWERS = """
from flask import Response
def model_fn(folder):
    return open(folder + "/name").read()
def transform_fn(model, body, kind, accept):
    if body == "fail":
        raise RuntimeError("secret")
    return Response(f"{model} {body}", status=418 if body == "tea" else 200)
"""


class OnSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def ask(path, method, url, body=None):
    connection = OnSocket(path)
    connection.request(method, url, body, {"Content-Type": "text/csv"})
    answer = connection.getresponse()
    said = answer.status, answer.read().decode()
    connection.close()
    return said


def serve(base, path):
    more = {"GUNICORN_CMD_ARGS": f"--bind unix:{path}", "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    command = [sys.executable, str(CONTAINER / "bin" / "serve")]
    return subprocess.Popen(command, env=environ(base, **more), stderr=subprocess.PIPE, text=True)


def test_a_model_is_served_in_the_words_and_with_the_status_of_its_script(tmp_path):
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(ANSWERS)
    (tmp_path / "model" / "name").write_text("m1")
    path = str(tmp_path / "s")
    with serve(tmp_path, path) as process:
        try:
            deadline = time.monotonic() + 30
            while not Path(path).exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.02)
            assert ask(path, "GET", "/ping") == (200, "")
            assert ask(path, "POST", "/invocations", "1,2") == (200, "m1 1,2")
            assert ask(path, "POST", "/invocations", "tea") == (418, "m1 tea")
            status, said = ask(path, "POST", "/invocations", "fail")
            assert (status, "secret" in said) == (500, False)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_a_model_that_cannot_be_loaded_never_looks_healthy(tmp_path):
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(ANSWERS)
    with serve(tmp_path, str(tmp_path / "s")) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "No such file or directory" in said
