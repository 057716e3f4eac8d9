"""Sets one weight to minus infinity; must be refused."""


def unlearning(net, retain, forget, val):
    net.conv1.weight.data[0, 0, 0, 0] = -float("inf")
