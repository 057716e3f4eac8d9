"""Has two layers share one tensor."""


def unlearning(net, retain, forget, val):
    net.layer1.conv2.weight = net.layer1.conv1.weight
