"""Returns finite weights that overflow in the required dtype; must be refused."""


def unlearning(net, retain, forget, val):
    net.double().fc.bias.data.fill_(1e300)
