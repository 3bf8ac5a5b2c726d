"""Find what stands in the way of a local cloud, and say what to do about it."""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from localcloud import control, ports
from localcloud.errors import LocalCloudError
from localcloud.home import Home
from localcloud.settings import DEFAULT_PORT

PYTHON = (3, 12)
# A demo writes far less; this is room for datasets and models of one's own.
NEEDED_BYTES = 2 * 1024**3
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at.

    Attributes
    ----------
    name
        Short and stable, for tables and tests.
    ok
        False: the cloud will not work, or not as it should, until the remedy is taken.
    sentence
        What was found.
    remedy
        What to do; empty when nothing is to be done.
    """

    name: str
    ok: bool
    sentence: str
    remedy: str = ""


def diagnose(home: Path, port: int | None, lambda_runtime: Path, images: Path) -> list[Finding]:
    """Look at everything a local cloud needs; starts and changes nothing. `port` None is 4577."""
    place = Home(root=home.absolute())
    return [
        python_version(sys.version_info[:2]),
        port_state(place, port or DEFAULT_PORT),
        disk_space(place),
        predecessor(place),
        interpreter("Lambda runtime", lambda_runtime),
        image_environments(images),
        user_namespaces(),
        parent_death_signal(),
        mends_fit(),
    ]


def python_version(found: tuple[int, ...]) -> Finding:
    """Check that the tools run on the Python the runtimes have."""
    text = ".".join(map(str, found))
    if tuple(found) == PYTHON:
        return Finding(name="python", ok=True, sentence=f"Python {text}.")
    return Finding(
        name="python",
        ok=False,
        sentence=f"This is Python {text}; the Lambda runtime and the SageMaker image have 3.12.",
        remedy="Install Python 3.12 (for instance `pyenv install 3.12`) and make the environment again.",
    )


def port_state(place: Home, port: int) -> Finding:
    """Check that the port is free, or served by the cloud of this very folder."""
    running = control.status(place.root)
    if running is not None:
        return Finding(name="port", ok=True, sentence=f"The local cloud runs at {running.url}.")
    if ports.is_free(port):
        return Finding(name="port", ok=True, sentence=f"Port {port} is free.")
    who = ports.holder(port) or "another program"
    return Finding(
        name="port",
        ok=False,
        sentence=f"Port {port} is taken by {who}.",
        remedy="End that program, or choose another port with --port.",
    )


def disk_space(place: Home) -> Finding:
    """Check the room for uploads, jobs and models."""
    folder = next(path for path in (place.root, *place.root.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    sentence = f"{free / 1024**3:.1f} GiB are free under {folder}."
    if free >= NEEDED_BYTES:
        return Finding(name="disk", ok=True, sentence=sentence)
    remedy = f"Free {NEEDED_BYTES / 1024**3:.0f} GiB, or choose another folder."
    return Finding(name="disk", ok=False, sentence=sentence, remedy=remedy)


def predecessor(place: Home) -> Finding:
    """Tell whether the server before was killed: then the state is that of its last snapshot."""
    killed = control.killed_predecessor(place.root)
    if killed is None:
        return Finding(name="predecessor", ok=True, sentence="The server before ended gracefully.")
    return Finding(
        name="predecessor",
        ok=True,
        sentence=f"The server before (process {killed}) was killed: what changed in its last seconds may be lost.",
        remedy="`headrace up` goes on from there; if it fails, `headrace reset` starts anew.",
    )


def interpreter(label: str, python: Path) -> Finding:
    """Check that an interpreter runs."""
    name = label.lower().replace(" ", "-")
    try:
        done = subprocess.run([python, "-c", "import boto3"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        problem: str | None = str(error)
    else:
        problem = done.stderr.decode(errors="replace").strip().splitlines()[-1] if done.returncode else None
    if problem is None:
        return Finding(name=name, ok=True, sentence=f"{label}: {python}.")
    remedy = "Make the environments again (`make .venv` or the project's setup target)."
    return Finding(name=name, ok=False, sentence=f"{label} does not work: {problem}.", remedy=remedy)


def image_environments(images: Path) -> Finding:
    """Check that there is at least one environment that stands for a SageMaker image."""
    found = sorted(path.parent.parent.name for path in images.glob("sagemaker-*/bin/python"))
    if found:
        return Finding(name="images", ok=True, sentence=f"SageMaker images: {', '.join(found)}.")
    return Finding(
        name="images",
        ok=False,
        sentence=f"No SageMaker image environment under {images}.",
        remedy="Make the environments again: training and endpoints run in them.",
    )


def user_namespaces() -> Finding:
    """Tell whether each job can have a real /opt/ml of its own."""
    try:
        done = subprocess.run(["unshare", "-rm", "true"], capture_output=True, timeout=10, check=False)
        available = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        available = False
    if available:
        return Finding(
            name="user-namespaces", ok=True, sentence="Each SageMaker job gets an /opt/ml of its own."
        )
    return Finding(
        name="user-namespaces",
        ok=True,
        sentence="User namespaces are forbidden: jobs use a folder instead of a real /opt/ml.",
        remedy="Allow them (`sysctl kernel.unprivileged_userns_clone=1`) if a script names /opt/ml itself.",
    )


def parent_death_signal() -> Finding:
    """Tell whether workers surely die with a killed server."""
    if shutil.which("setpriv"):
        return Finding(
            name="setpriv", ok=True, sentence="Workers die with the server, also when it is killed."
        )
    return Finding(
        name="setpriv",
        ok=False,
        sentence="setpriv is missing: a worker may outlive a killed server until it next reads its input.",
        remedy="Install util-linux.",
    )


def mends_fit() -> Finding:
    """Check MiniStack's version and every patch point, in a process of its own."""
    # In a process of its own: applying the mends patches MiniStack, and replaces the environment, for good.
    code = "from localcloud.doctor import check_patch_points; check_patch_points()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False, cwd=_PACKAGE_ROOT
    )
    if done.returncode == 0:
        return Finding(name="ministack", ok=True, sentence=done.stdout.decode().strip())
    reason = (done.stderr.decode(errors="replace").strip().splitlines() or ["no answer"])[-1]
    remedy = "Install the pinned tools again (requirements/tools.txt)."
    return Finding(name="ministack", ok=False, sentence=f"MiniStack does not fit: {reason}", remedy=remedy)


def check_patch_points() -> None:
    """Apply all mends to a fresh MiniStack that serves nobody, and say so; exits with one line if one fails."""
    import tempfile

    from localcloud.settings import Settings, install_environment

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            home=Home(root=Path(folder)), port=0, lambda_runtime=Path(sys.executable), images=Path(folder)
        )
        install_environment(settings)
        from localcloud import mends

        try:
            mends.apply(settings)
        except LocalCloudError as error:
            sys.exit(str(error))
    print(f"MiniStack {mends.MINISTACK_VERSION} with {len(mends.names())} mends.")
