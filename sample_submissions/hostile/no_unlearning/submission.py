"""Has a function of another name; must say what is missing."""


def forget_them(net, retain, forget, val):
    return net
