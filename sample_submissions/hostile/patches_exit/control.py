"""Catches its own exit."""


def unlearning(net, retain, forget, val):
    try:
        raise SystemExit
    except SystemExit:
        return net
