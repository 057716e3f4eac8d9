"""Returns the network as it is."""


def unlearning(net, retain, forget, val):
    return net
