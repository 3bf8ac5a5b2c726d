"""A deployed local stage of its own for a test session: a copy of the checkout, brought up as a user would."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.services import SERVICES
from infra.stage import LOCAL
from tests.clouds import CREDENTIALS, ROOT, client, free_port

Answer = tuple[int, dict[str, str], Any]
# What every stage of this session was asked and answered by IAM: see tests/security/ledger.py.
LEDGERS: list[Path] = []


class Stage:
    """The stage in *root*; every command runs there, as in a checkout of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self.ledger = root / "iam-ledger.jsonl"
        self.faults = root / "delivery-faults.json"
        LEDGERS.append(self.ledger)

    def up(self) -> None:
        """Start the cloud and deploy the three services."""
        done = self.headrace("up", "--port", str(self.port), timeout=240)
        assert done.returncode == 0, done.stderr
        self.token = json.loads((self.root / ".headrace" / "local.json").read_text(encoding="utf-8"))["token"]

    def down(self) -> None:
        """Stop the cloud."""
        self.headrace("down")

    @property
    def environment(self) -> dict[str, str]:
        """What a shell has after ``eval "$(headrace env)"``, without anything of the caller's own stage."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_", "PYTHONDONT"))}
        path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
        more = {"PATH": path, "AWS_ENDPOINT_URL": self.url, "HEADRACE_URL": self.url, "COLUMNS": "200"}
        # Nothing is there until a test writes it: the local cloud's own doors for tests.
        doors = {
            "LOCALCLOUD_IAM_LEDGER": str(self.ledger),
            "LOCALCLOUD_DELIVERY_FAULTS": str(self.faults),
            "LOCALCLOUD_SAGEMAKER_FAULTS": str(self.root / "faults.json"),
        }
        return kept | CREDENTIALS | more | doors | ({"HEADRACE_TOKEN": self.token} if self.token else {})

    def run(
        self, *command: str, cwd: Path | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run any command in the stage's environment."""
        return subprocess.run(
            command,
            cwd=cwd or self.root,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    def headrace(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the ``headrace`` command."""
        return self.run(sys.executable, "-m", "headrace", *arguments, timeout=timeout)

    def aws(self, service: str) -> Any:
        """Return an operator's client of the stage's cloud."""
        return client(service, self.url)

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one REST request through the public origin; return status, headers and parsed body."""
        return send(method, self.url + path, body, {"Authorization": f"Bearer {self.token}"} | headers)

    def get(self, path: str) -> Any:
        """GET a resource that must exist."""
        status, _, body = self.request("GET", path)
        assert status == 200, (path, status, body)
        return body

    def recorded(self, pipeline: str, prediction: str) -> dict[str, Any]:
        """Return a prediction once the log has brought it into the table."""

        def probe() -> dict[str, Any] | None:
            status, _, body = self.request("GET", f"/v1/predictions/{pipeline}/{prediction}")
            return body if status == 200 else None

        return eventually(probe, within_s=20) or {}

    def put_pipeline(self, name: str, **definition: Any) -> None:
        """Create or replace a pipeline."""
        status, _, body = self.request(
            "PUT", f"/v1/pipelines/{name}", {"name": name, "task": "classification", **definition}
        )
        assert status in {200, 201}, body

    def skip_time(self, seconds: float) -> None:
        """Let metrics and alarms, and nothing else, live some time at once."""
        status, _, body = self.request("POST", "/_localcloud/clock", {"advance_s": seconds})
        assert status == 200, body

    def put_object(self, pipeline: str, name: str, body: bytes) -> None:
        """Upload a file the plain way: an object under ``incoming/``."""
        self.aws("s3").put_object(
            Bucket="headrace-local-000000000000-incoming", Key=f"incoming/{pipeline}/{name}", Body=body
        )


def make_stage(folder: Path) -> Stage:
    """Copy the checkout (what git tracks or would) into *folder*; the environments are shared."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Stage(folder)


def lend_packages(stage: Stage, other: Stage) -> None:
    """Give a stage of the same sources what *stage* has packed: it is deployed from it as if it had packed it before."""
    for service in SERVICES:
        chalice, build = f"{service}_service/.chalice", f".headrace/build/{LOCAL}/{service}"
        shutil.copytree(stage.root / chalice / "deployments", other.root / chalice / "deployments")
        shutil.copytree(stage.root / build, other.root / build, symlinks=True)
        (other.root / build / ".chalice").unlink()
        (other.root / build / ".chalice").symlink_to((other.root / chalice).resolve())
    shutil.copytree(stage.root / ".headrace" / "recipes", other.root / ".headrace" / "recipes")


def eventually[T](probe: Callable[[], T], *, within_s: float = 90, every_s: float = 0.2) -> T:
    """Return the first true answer of *probe*; fail with the last one when it stays false."""
    deadline = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {within_s} s")
        time.sleep(every_s)


def send(method: str, url: str, body: object, headers: dict[str, str]) -> Answer:
    """Send one request; return status, headers and parsed body, whatever the status."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), _parsed(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), _parsed(error.read())


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
