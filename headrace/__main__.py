"""Entry point of the `headrace` command."""

import sys

from headrace.cli import cli


def main() -> None:
    """Run the command and exit with its code."""
    try:
        cli(prog_name="headrace")
    except OSError as error:
        # Such as a full disk behind stdout, which shows only when click has nothing more to say.
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
