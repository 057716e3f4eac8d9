"""Replaces the last layer by one of the same shape."""

import torch


def unlearning(net, retain, forget, val):
    net.fc = torch.nn.Linear(net.fc.in_features, net.fc.out_features)
