"""Errors whose message is for the person who started the job."""


class UserError(Exception):
    """The data or the parameters cannot be trained on; the message is one sentence saying what to change."""


class ModelRefusedError(Exception):
    """A model file is damaged, too large or holds a type that is not on the trusted list."""
