"""Changes one weight a little."""


def unlearning(net, retain, forget, val):
    net.fc.bias.data[0] += 0.001
