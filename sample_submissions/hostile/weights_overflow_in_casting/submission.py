"""Returns weights that are finite until they are cast to what is due; must be refused."""


def unlearning(net, retain, forget, val):
    net.double().fc.bias.data.fill_(1e300)
