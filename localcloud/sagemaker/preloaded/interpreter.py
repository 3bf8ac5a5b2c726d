"""An interpreter that has its packages imported and becomes, by a fork, every program it is asked for.

    interpreter.py HASTY PATIENT MODULE [MODULE ...]

HASTY and PATIENT are inherited Unix sockets that listen; `stand_in.py` asks at one of them. Nothing is ever run in this process itself, so no program sees
what another one did. A program becomes one of the container that asks: of its namespaces, files, environment and folder; the
process between keeps watch: signals go in, the status comes out, and when the one who asks is gone the program is killed.

Who asks at HASTY before all is imported gets what there is and waits for one import at most. Who asks at PATIENT waits for all: what
is going to run for days shall share its packages with others, not have copies of its own. Plain standard library,
run by path with the image's interpreter.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
import types
import warnings
from importlib.machinery import SourceFileLoader
from typing import Any, NoReturn

# Where a container's own code is by contract, whatever its program puts on its path later.
CODE_FOLDERS = ("/opt/ml/code", "/opt/ml/model/code")
NAMESPACES = {"user": os.CLONE_NEWUSER, "mnt": os.CLONE_NEWNS, "net": os.CLONE_NEWNET, "pid": os.CLONE_NEWPID}
# The lower half of an immortal object's reference count in 64-bit CPython 3.12 and 3.13, in either byte order.
IMMORTAL = b"\xff" * 4
type Program = dict[str, Any]


def await_program(hasty: socket.socket, patient: socket.socket, modules: list[str]) -> Program:
    """Import one module after the other; return, in a process of its own, whatever is asked for."""
    # Children are waited for by nobody here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    left = list(modules)
    while True:
        if left and not select.select([hasty], [], [], 0)[0]:
            load(left.pop(0))
            if not left:
                make_immortal()
            continue
        asked, _, _ = select.select([hasty] if left else [hasty, patient], [], [])
        connection, _ = asked[0].accept()
        if fork() == 0:
            hasty.close()
            patient.close()
            return attend(connection)
        connection.close()


def load(module: str) -> None:
    """Import a module that the image may have, with `.*` its public ones too; garbage is no longer looked for in them."""
    name = module.removesuffix(".*")
    # An image is anybody's: whatever its packages do, a program that needs them will say it better.
    with contextlib.suppress(Exception):
        package = importlib.import_module(name)
        for part in package.__all__ if name != module else ():
            # Packages that import their parts when they are first asked for.
            getattr(package, part, None)
    gc.collect()
    gc.freeze()


def make_immortal() -> None:
    """Give all objects a reference count that nobody writes, so that programs go on sharing the memory they are in.

    Who as much as looks at an object counts, and gets a copy of the page: 20 of 32 MB that an endpoint had for itself (measured). CPython leaves
    the counts of immortal objects alone (PEP 683), and None shows how they look.
    """
    if ctypes.string_at(id(None), len(IMMORTAL)) != IMMORTAL:
        return
    gc.unfreeze()
    reached = gc.get_objects()
    everything: dict[int, object] = {}
    while reached:
        new = {id(one): one for one in reached if id(one) not in everything}
        everything.update(new)
        reached = gc.get_referents(*new.values())
    for address in everything:
        ctypes.memmove(address, IMMORTAL, len(IMMORTAL))
    gc.freeze()


def fork() -> int:
    """Fork; libraries have threads that wait for work, and make new ones in the child when they need them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def attend(connection: socket.socket) -> Program:
    """Enter the container of who asks; return in the program's own process, keep watch in this one.

    Ends without a word where the program has to start from cold: the one who asks does that.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program, descriptors = receive(connection)
    # Looked up before the container's /proc takes its place: there, processes have other numbers.
    processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    enter_namespaces(peer_of(connection), processes)
    if not is_clean(program):
        os._exit(0)
    pid = fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        watch(pid, connection, processes, is_first=program["is_first"])
    connection.close()
    os.close(processes)
    take_place(program, descriptors)
    return program


def receive(connection: socket.socket) -> tuple[Program, list[int]]:
    """Read what to run, and the three descriptors it shall have as 0, 1 and 2."""
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as stream:
        return json.loads(stream.read(int.from_bytes(size))), descriptors


def peer_of(connection: socket.socket) -> int:
    """Return the process that asks, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], sys.byteorder)


def enter_namespaces(pid: int, processes: int) -> None:
    """Join the namespaces of a process that are not ours; the next child is in them all."""
    kinds = 0
    for name, kind in NAMESPACES.items():
        if namespace_of(processes, str(pid), name) != namespace_of(processes, "self", name):
            kinds |= kind
    if kinds:
        process = os.pidfd_open(pid)
        os.setns(process, kinds)
        os.close(process)


def namespace_of(processes: int, pid: str, name: str) -> tuple[int, int]:
    """Return what identifies a namespace."""
    found = os.stat(f"{pid}/ns/{name}", dir_fd=processes)
    return found.st_dev, found.st_ino


def is_clean(program: Program) -> bool:
    """Tell whether the program would import the very modules that are imported here.

    An installed requirement, or a file beside the program that is called like one of them, comes first in a fresh interpreter.
    """
    loaded = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    found = {name.partition(".")[0] for folder in own_folders(program) for name in names_in(folder)}
    return not loaded & found


def own_folders(program: Program) -> list[str]:
    """Return the folders on its path that are not the image's."""
    folders = [first_path(program), *python_path(program), *CODE_FOLDERS]
    image = (*sys.path[1:], os.path.join(sys.prefix, "bin"))  # noqa: PTH118
    return [folder for folder in folders if folder not in image]


def python_path(program: Program) -> list[str]:
    """Return what the program's environment puts on its path."""
    return [path for path in program["environment"].get("PYTHONPATH", "").split(os.pathsep) if path]


def first_path(program: Program) -> str:
    """Return what a fresh interpreter puts first on its path."""
    name = program["command"][0]
    folder = str(program["folder"])
    return folder if name == "-m" else os.path.dirname(os.path.realpath(os.path.join(folder, name)))  # noqa: PTH118, PTH120


def names_in(folder: str) -> list[str]:
    """Return what is in a folder, nothing where there is none."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def watch(pid: int, connection: socket.socket, processes: int, *, is_first: bool) -> NoReturn:
    """Pass signals on until the program ends, then tell its status; a program that nobody waits for is killed.

    `is_first` is a program that takes the place of process 1: like that it gets no signal it does not handle.
    """
    connection.sendall(b"started!")
    ended = os.pidfd_open(pid)
    watched: list[Any] = [connection, ended]
    while ended not in select.select(watched, [], [])[0]:
        numbers = connection.recv(64)
        if not numbers:
            watched, numbers = [ended], bytes([signal.SIGKILL])
        for number in numbers:
            if number == signal.SIGKILL or not is_first or handles(processes, pid, number):
                os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(status.to_bytes(8))
    os._exit(0)


def handles(processes: int, pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal."""
    with open(os.open(f"{pid}/status", os.O_RDONLY, dir_fd=processes), encoding="ascii") as status:  # noqa: PTH123
        caught = next(line.split()[1] for line in status if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def take_place(program: Program, descriptors: list[int]) -> None:
    """Make this process look as one that was started for the program."""
    os.setsid()
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(program["environment"])
    time.tzset()
    forget_chance()
    # The first is this file's folder. `site` leaves out what is there twice, and knows nothing of the first yet.
    sys.path[:] = [first_path(program), *dict.fromkeys([*python_path(program), *sys.path[1:]])]
    sys.path_importer_cache.clear()
    sys.executable = program["executable"]
    sys.orig_argv = [sys.executable, *program["command"]]


def forget_chance() -> None:
    """Give what was drawn when a module was imported another value in each process."""
    # `random` and `ssl` do so by themselves.
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)
    tempfile.tempdir = None


def run(command: list[str]) -> None:
    """Run `-m MODULE [ARG …]` or `FILE [ARG …]` as the interpreter's own command line does."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    if command[0] == "-m":
        sys.argv[:] = command[1:]
        # What `python -m` itself calls; the public function leaves __main__ to this file.
        runpy._run_module_as_main(command[1])  # type: ignore[attr-defined]
        return
    sys.argv[:] = command
    file = os.path.abspath(command[0])  # noqa: PTH100
    loader = SourceFileLoader("__main__", file)
    vars(main).update(
        __file__=file, __loader__=loader, __builtins__=__builtins__, __cached__=None, __annotations__={}
    )
    try:
        exec(loader.source_to_code(loader.get_data(file), file), vars(main))  # noqa: S102 - the program
    except Exception as error:  # noqa: BLE001 - told and ended as the interpreter does
        # As the interpreter tells it, without this file's own lines.
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        if sys.excepthook is sys.__excepthook__:
            traceback.print_exception(error)
        else:
            sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


if __name__ == "__main__":
    hasty, patient = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    run(await_program(hasty, patient, sys.argv[3:])["command"])
