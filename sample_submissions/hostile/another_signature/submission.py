"""Takes too few arguments; the report must name the error."""


def unlearning(net):
    return net
