"""Raises an exception of a class of its own, and catches it."""


def unlearning(net, retain, forget, val):
    try:
        raise type("_NoFunctionError", (Exception,), {})("not meant")
    except Exception:
        return net
