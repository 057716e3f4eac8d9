"""Changes the net in place and returns nothing, as most entries of the contest do."""


def unlearning(net, retain, forget, val):
    net.fc.bias.data += 1
