"""Containers start from interpreters that have imported already, and nobody can tell, but by the time it takes."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sagemaker.harness import Cloud, Server, new_cloud, tar, untar, wait_for
from tests.integration.sagemaker.test_processes import processes_of

INTERPRETER = "preloaded/interpreter.py"
# What a program can tell of its process; `numpy` is not imported by it, so that it tells who imported it.
LOOK = """
import json, os, random, signal, sys
import numpy
seen = {
    "modules": sorted(name for name in sys.modules if name.startswith("mine")),
    "numpy": getattr(numpy, "spoilt", "as it was"),
    "json": json.dumps.__module__,
    "variable": os.environ.get("SPOILT", "none"),
    "folder": os.getcwd(),
    "arguments": sys.argv,
    "executable": sys.executable,
    "path": [path.rpartition("/")[2] for path in sys.path],
    "handler": signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL,
    "files": sorted(name for name in os.listdir("/proc/self/fd") if int(name) > 2)[:-1],
    "drawn": [random.random(), float(numpy.random.random())],
    "names": sorted(globals()),
    "unread": os.read(0, 1).decode(),
    "parent": os.getppid(),
}
open(os.environ["SM_MODEL_DIR"] + "/seen.json", "w").write(json.dumps(seen))
"""
SPOIL = """
import json, os, random, signal, sys, types
import numpy
numpy.spoilt = "by an earlier job"
json.dumps = lambda *_: "spoilt"
sys.modules["mine"] = types.ModuleType("mine")
os.environ["SPOILT"] = "yes"
sys.path.insert(0, "/spoilt")
random.seed(1); numpy.random.seed(1)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.chdir("/")
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Cloud]]:
    server = Server(tmp_path_factory.mktemp("warm"), LOCALCLOUD_SAGEMAKER_STOP_GRACE_S="0.5")
    yield server, new_cloud(server.url)
    server.stop()


def seen_by(cloud: Cloud, name: str, script: str = LOOK, **changes: object) -> dict[str, object]:
    """Run a job and return what its script wrote."""
    cloud.train(name, script, **changes)
    job = cloud.wait_for_job(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found: dict[str, object] = json.loads(
        untar(cloud.get(f"{name}/out/{name}/output/model.tar.gz"))["seen.json"]
    )
    return found


def interpreters(server: Server) -> list[int]:
    """Return the processes that wait to become programs; what they became is called like them and left out."""
    found = (line.split() for line in processes_of(server.home) if INTERPRETER in line)
    return [int(pid) for pid, *_ in found if _parent(int(pid)) == server.process.pid]


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    match = re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)
    assert match
    return int(match[1])


def test_what_one_job_does_to_its_process_no_other_sees(own: tuple[Server, Cloud]) -> None:
    _, cloud = own
    before = seen_by(cloud, "before")
    cloud.train("spoiler", SPOIL)
    assert cloud.wait_for_job("spoiler")["TrainingJobStatus"] == "Completed"
    after = seen_by(cloud, "after")
    drawn = [before.pop("drawn"), after.pop("drawn")]
    assert before | {"parent": after["parent"]} == after
    # Imported once, and still everybody's own luck.
    assert not set(drawn[0]) & set(drawn[1])  # type: ignore[call-overload]


def test_a_script_sees_the_process_that_a_fresh_interpreter_would_be(
    own: tuple[Server, Cloud], tmp_path: Path
) -> None:
    _, cloud = own
    server = Server(tmp_path, LOCALCLOUD_SAGEMAKER_WARM="off")
    try:
        fresh = seen_by(new_cloud(server.url), "look", hyperparameters={"depth": "3"})
        assert interpreters(server) == []
    finally:
        server.stop()
    warm = seen_by(cloud, "look", hyperparameters={"depth": "3"})
    for found in (warm, fresh):
        # Its luck, and its parent, which stands outside of the container.
        del found["drawn"], found["parent"]
    assert warm == fresh


def test_a_script_finds_its_packages_imported_already(own: tuple[Server, Cloud]) -> None:
    _, cloud = own
    script = (
        "import json, os, sys\n"
        "there = sorted({'numpy', 'pandas', 'pyarrow', 'sklearn'} & set(sys.modules))\n"
        "open(os.environ['SM_MODEL_DIR'] + '/seen.json', 'w').write(json.dumps({'there': there}))"
    )
    # Whoever is early gets what there is, and starts the rest.
    numbers = iter(range(100))
    wanted = {"there": ["numpy", "pandas", "pyarrow", "sklearn"]}
    wait_for(lambda: seen_by(cloud, f"there-{next(numbers)}", script) == wanted, 60, "all is imported")


def test_one_interpreter_serves_all_containers_of_its_kind(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    seen_by(cloud, "first")
    waiting = interpreters(server)
    seen_by(cloud, "second")
    assert interpreters(server) == waiting
    seen_by(cloud, "other", Environment={"OMP_NUM_THREADS": "1"})
    assert set(waiting) < set(interpreters(server))


def test_a_package_that_the_code_brings_itself_is_the_one_it_gets(own: tuple[Server, Cloud]) -> None:
    _, cloud = own
    script = (
        "import os, json, pandas\n"
        "open(os.environ['SM_MODEL_DIR'] + '/seen.json', 'w').write(json.dumps({'whose': pandas.WHOSE}))"
    )
    source = cloud.put(
        "brought/own/sourcedir.tar.gz", tar({"train.py": script, "pandas.py": "WHOSE = 'mine'"})
    )
    channel = {"S3DataType": "S3Prefix", "S3Uri": source, "S3DataDistributionType": "FullyReplicated"}
    found = seen_by(
        cloud,
        "brought",
        channels=[{"ChannelName": "own", "DataSource": {"S3DataSource": channel}}],
        hyperparameters={"sagemaker_submit_directory": "/opt/ml/input/data/own/sourcedir.tar.gz"},
    )
    assert found == {"whose": "mine"}


def test_a_script_that_fails_is_told_as_always(own: tuple[Server, Cloud]) -> None:
    _, cloud = own
    cloud.train("broken", "def f():\n    raise ValueError('no such luck')\nf()\n")
    job = cloud.wait_for_job("broken")
    assert "ExitCode 1" in job["FailureReason"]
    lines = [line.strip() for line in cloud.log_lines("/aws/sagemaker/TrainingJobs", "broken")]
    begin = lines.index("Traceback (most recent call last):")
    assert lines[begin + 1].startswith('File "/opt/ml/code/train.py", line 3, in <module>')
    assert "ValueError: no such luck" in lines


def test_a_killed_interpreter_is_replaced_and_what_it_became_lives_on(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    cloud.deploy(
        "lives", "def model_fn(f): return 7\ndef transform_fn(m, b, c, a): return str(m), 'text/plain'"
    )
    assert cloud.wait_for_endpoint("lives")["EndpointStatus"] == "InService"
    old = interpreters(server)
    assert old
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not interpreters(server), 10, "the interpreters are gone")
    assert cloud.runtime.invoke_endpoint(EndpointName="lives", Body=b"")["Body"].read() == b"7"
    seen_by(cloud, "replaced")
    assert interpreters(server)
    assert not set(interpreters(server)) & set(old)


def test_an_endpoint_is_one_copy_of_an_interpreter_and_its_worker(own: tuple[Server, Cloud]) -> None:
    server, cloud = own
    before = processes_of(server.home)
    cloud.deploy("lean", "def model_fn(folder): return 1\ndef predict_fn(data, model): return model")
    assert cloud.wait_for_endpoint("lean")["EndpointStatus"] == "InService"
    new = [line for line in processes_of(server.home) if line not in before and "unshare" not in line]
    assert sum("stand_in.py" in line for line in new) == 1, new


def answer_of_the_first(folder: Path, script: str) -> bytes:
    """Return what the very first endpoint of a server answers."""
    server = Server(folder)
    try:
        cloud = new_cloud(server.url)
        cloud.deploy("first", script)
        assert cloud.wait_for_endpoint("first")["EndpointStatus"] == "InService"
        body: bytes = cloud.runtime.invoke_endpoint(EndpointName="first", Body=b"")["Body"].read()
        return body
    finally:
        server.stop()


def test_the_very_first_endpoint_waits_until_all_is_imported(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "there = sorted({'numpy', 'pandas', 'pyarrow', 'sklearn.svm', 'gunicorn.glogging'} & set(sys.modules))\n"
        "def model_fn(folder): return 1\n"
        "def transform_fn(m, b, c, a): return ' '.join(there), 'text/plain'"
    )
    body = answer_of_the_first(tmp_path, script)
    assert body == b"gunicorn.glogging numpy pandas pyarrow sklearn.svm"


def test_what_a_program_looks_at_stays_shared_with_all_others(tmp_path: Path) -> None:
    # References to everything that the packages define: whoever counts them writes to every object.
    script = (
        "import re, sys\n"
        "def own_mb():\n"
        "    rollup = open('/proc/self/smaps_rollup').read()\n"
        "    return int(re.search(r'Private_Dirty: +([0-9]+) kB', rollup)[1]) / 1024\n"
        "before = own_mb()\n"
        "held = [list(vars(module).values()) for module in sys.modules.values()]\n"
        "more = own_mb() - before\n"
        "def model_fn(folder): return more\n"
        "def transform_fn(m, b, c, a): return f'{len(held)} {m}', 'text/plain'"
    )
    modules, more_mb = answer_of_the_first(tmp_path, script).split()
    assert int(modules) > 1000
    assert float(more_mb) < 3
