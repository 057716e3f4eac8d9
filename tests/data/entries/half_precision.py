"""Saves space: returns the net in half precision."""


def unlearning(net, retain, forget, val):
    return net.half()
