"""Names a class of its own, and catches it."""


def unlearning(net, retain, forget, val):
    own = type("Own", (Exception,), {})
    try:
        raise own
    except own:
        return net
