"""Returns the network unchanged."""


def unlearning(net, retain, forget, val):
    return net
