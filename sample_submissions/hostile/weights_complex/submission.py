"""Returns complex and quantized weights; must be refused."""

import torch


def unlearning(net, retain, forget, val):
    net.fc.weight = torch.nn.Parameter(net.fc.weight.data.to_sparse())
