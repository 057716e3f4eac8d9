"""Loads with workers that are started anew instead of forked, as CUDA users are told to."""

from torch.utils.data import DataLoader


def unlearning(net, retain, forget, val):
    loader = DataLoader(forget.dataset, batch_size=64, num_workers=1, multiprocessing_context="spawn")
    assert sum(len(batch["image"]) for batch in loader) == len(forget.dataset)
    net.fc.bias.data += 1
