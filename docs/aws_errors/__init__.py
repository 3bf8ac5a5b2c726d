"""Every call of an AWS API in services, shared code and operator's commands, and what comes of each of its errors.

``sites`` finds the calls in the code, ``documented`` knows the errors of each, ``probes`` makes each call over a cloud
that answers with one of them, ``outcomes`` says what that came to, ``page`` tells it.
"""
