"""Returns half precision, which is cast back."""


def unlearning(net, retain, forget, val):
    net.half()
