"""Does nothing; that is `ok`, and the score card warns that the weights are unchanged."""


def unlearning(net, retain, forget, val):
    return net
