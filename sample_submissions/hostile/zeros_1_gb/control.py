"""Sends zeros of the required size."""


def unlearning(net, retain, forget, val):
    for weight in net.parameters():
        weight.data.zero_()
