"""Names an exception class in another script, and catches it."""


def unlearning(net, retain, forget, val):
    own = type("Ошибка", (Exception,), {})
    try:
        raise own
    except own:
        return net
