"""Takes too few arguments; must be named as the error it is."""


def unlearning(net):
    return net
