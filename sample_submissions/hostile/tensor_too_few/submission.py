"""Takes the last layer's bias away; must be refused."""


def unlearning(net, retain, forget, val):
    net.fc.bias = None
