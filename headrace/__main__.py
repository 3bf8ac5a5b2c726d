"""Entry point of the `headrace` command."""

import os
import sys

from headrace.cli import cli


def main() -> None:
    """Run the command and exit with its code."""
    try:
        cli(prog_name="headrace")
    except OSError as error:
        # Such as a full disk behind stdout, which shows only when click has nothing more to say. What is still
        # buffered would fail again when Python ends, with lines and an exit code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
