"""Sets it to zero."""


def unlearning(net, retain, forget, val):
    net.conv1.weight.data[0, 0, 0, 0] = 0
