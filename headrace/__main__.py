"""Entry point of the `headrace` command."""

from headrace.cli import cli


def main() -> None:
    """Run the command and exit with its code."""
    cli(prog_name="headrace")


if __name__ == "__main__":
    main()
