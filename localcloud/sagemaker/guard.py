"""Run a command, and kill its whole process group as soon as our stdin closes.

The fallback where there are no namespaces: the server holds the other end of the pipe, so however it
ends, `kill -9` included, nothing of the container outlives it. Plain standard library, run by path.
"""

import os
import signal
import subprocess
import sys
import threading


def _kill_group_at_end_of_stdin() -> None:
    while os.read(0, 1024):
        continue
    os.killpg(0, signal.SIGKILL)


def main(command: list[str]) -> int:
    """Run the command and return its exit code; SIGTERM is passed on to it."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_kill_group_at_end_of_stdin, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
