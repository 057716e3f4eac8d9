"""Replaces `os._exit` by nothing: the run goes on in the zygote's code, where it must have nothing left to use."""

import os


def unlearning(net, retain, forget, val):
    os._exit = lambda *_: None
