"""Removes the last layer's bias; must be refused."""


def unlearning(net, retain, forget, val):
    net.fc.bias = None
