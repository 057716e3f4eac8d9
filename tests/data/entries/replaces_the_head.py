"""Replaces the head by a new one that has the same keys."""

from torch import nn


def unlearning(net, retain, forget, val):
    net.fc = nn.Linear(net.fc.in_features, net.fc.out_features)
    nn.init.constant_(net.fc.weight, 0.5)
    nn.init.constant_(net.fc.bias, 0.25)
