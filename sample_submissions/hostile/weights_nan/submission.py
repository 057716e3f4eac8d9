"""Sets one weight to NaN; must be refused."""


def unlearning(net, retain, forget, val):
    net.fc.bias.data[0] = float("nan")
