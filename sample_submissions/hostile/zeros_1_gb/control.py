"""Sends zeros, as many as are due."""


def unlearning(net, retain, forget, val):
    for weight in net.parameters():
        weight.data.zero_()
