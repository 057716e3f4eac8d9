"""Returns float64 weights of ordinary size."""


def unlearning(net, retain, forget, val):
    net.double()
