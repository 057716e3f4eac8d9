"""Returns float64 weights of an ordinary size."""


def unlearning(net, retain, forget, val):
    net.double()
