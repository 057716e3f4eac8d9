"""Raises what a full control group around the container would make Python raise; must be its own failure."""

import errno


def unlearning(net, retain, forget, val):
    try:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    except BlockingIOError as error:
        raise RuntimeError("can't start new thread") from error
