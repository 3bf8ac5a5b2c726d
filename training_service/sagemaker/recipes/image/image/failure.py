"""What is wrong with a picture."""


class PictureError(Exception):
    """The picture cannot be read; the message goes on after a name for it, such as "is a damaged PNG: …"."""
