"""What can go wrong with the local cloud, each told in one line.

LocalCloudError
├── PatchPointMissing   MiniStack is not the one the mends were written for
├── PortTaken           another program holds the port
├── AlreadyRunning      the folder is in use by a living server
├── StartFailed         the server died or was not ready in time
├── StopFailed          the server would not end
└── RuntimeMissing      an interpreter the cloud needs is not there
"""


class LocalCloudError(Exception):
    """Anything about the local cloud that a person has to act on."""


class PatchPointMissing(LocalCloudError):
    """MiniStack's source is not as a mend expects it: wrong version, or changed in place."""

    def __init__(self, mend: str, point: str, version: str) -> None:
        super().__init__(
            f"mend {mend!r} finds no {point} in MiniStack {version}: install the pinned version "
            "(requirements/tools.txt) or adapt the mend"
        )


class PortTaken(LocalCloudError):
    """The port belongs to another program."""


class AlreadyRunning(LocalCloudError):
    """A living server owns the folder."""


class StartFailed(LocalCloudError):
    """The server did not come up."""


class StopFailed(LocalCloudError):
    """The server did not go away."""


class RuntimeMissing(LocalCloudError):
    """An interpreter the cloud runs code with does not exist."""
