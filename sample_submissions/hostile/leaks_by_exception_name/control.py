"""Names an exception class, and catches it."""


def unlearning(net, retain, forget, val):
    own = type("Own", (Exception,), {})
    try:
        raise own
    except own:
        return net
