"""Prunes a layer, makes it permanent, and so has its keys in another order."""

from torch.nn.utils import prune


def unlearning(net, retain, forget, val):
    prune.l1_unstructured(net.fc, "weight", amount=0.5)
    prune.remove(net.fc, "weight")
