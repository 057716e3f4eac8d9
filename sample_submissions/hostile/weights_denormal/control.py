"""Sets them to zero."""


def unlearning(net, retain, forget, val):
    for weight in net.parameters():
        weight.data.zero_()
