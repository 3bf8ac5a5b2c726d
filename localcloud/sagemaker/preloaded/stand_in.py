"""Run a Python program in a copy of the interpreter that has its packages imported, and stand for it until it ends.

    stand_in.py LISTENER PYTHON EXECUTABLE -m MODULE | FILE [ARG ...]

`interpreter.py` listens at LISTENER. The program gets this process's environment, folder and standard streams; signals are passed on, and this process
ends as the program does. EXECUTABLE is what it sees as its own. Where nobody listens, or the interpreter is not what a fresh one
would be, PYTHON runs the program instead. Plain standard library, run by path with `-I -S`: it starts in some 15 ms.
"""

import contextlib
import json
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# What interpreter.py says once the program is there, and the size of a status.
STARTED, STATUS_BYTES = b"started!", 8


def main(listener: str, python: str, executable: str, command: list[str]) -> int:
    """Run the command; return its exit code."""
    # AWS's toolkit ends the options of an interpreter that gets none.
    program = command[1:] if command[:1] == ["--"] else command
    connection = ask(listener, executable, program) if is_program(program) else None
    if connection is None:
        os.execv(python, [python, *command])  # noqa: S606 - becomes the program
    told = receive(connection, STATUS_BYTES)
    # Without a word the interpreter was killed, and the program with it.
    code = os.waitstatus_to_exitcode(int.from_bytes(told)) if told else -signal.SIGKILL
    return code if code >= 0 else end_by(-code)


def is_program(command: list[str]) -> bool:
    """Tell whether it is a module or a file with Python text; options, folders and archives are for a fresh interpreter."""
    if command[:1] == ["-m"]:
        return len(command) > 1
    try:
        with open(command[0], "rb") as file:  # noqa: PTH123 - pathlib would double the time to start
            return file.read(2) != b"PK"
    except (OSError, IndexError):
        return False


def ask(listener: str, executable: str, command: list[str]) -> socket.socket | None:
    """Ask for the program; return the connection once it runs, None where it does not."""
    request = {
        "command": command,
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - see is_program
        "executable": executable,
        "is_first": os.getpid() == 1,
    }
    body = json.dumps(request).encode()
    connection = socket.socket(socket.AF_UNIX)
    try:
        # By its folder's descriptor: the path of a socket may not be longer than 107 bytes.
        folder, _, name = listener.rpartition("/")
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        connection.connect(f"/proc/self/fd/{place}/{name}")
        os.close(place)
        socket.send_fds(connection, [len(body).to_bytes(4)], [0, 1, 2])
        connection.sendall(body)
    except OSError:
        return None
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: pass_on(connection, number))
    return connection if receive(connection, len(STARTED)) == STARTED else None


def pass_on(connection: socket.socket, number: int) -> None:
    """Send the number of a signal; a program that has ended needs none."""
    with contextlib.suppress(OSError):
        connection.send(bytes([number]))


def receive(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes, none when the other side is gone."""
    try:
        return connection.recv(size, socket.MSG_WAITALL)
    except OSError:
        return b""


def end_by(number: int) -> int:
    """End by the signal that ended the program; process 1 cannot, and says it as a shell does."""
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
