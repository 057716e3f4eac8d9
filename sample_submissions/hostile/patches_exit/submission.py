"""Replaces `os._exit` by a no-op and continues in the zygote's code; must find nothing to use there."""

import os


def unlearning(net, retain, forget, val):
    os._exit = lambda *_: None
