"""Raises an exception of its own class, and catches it."""


def unlearning(net, retain, forget, val):
    try:
        raise type("_NoFunctionError", (Exception,), {})("not meant")
    except Exception:
        return net
