"""Sets torch's other way of passing tensors between workers, against too many open files."""

import torch
import torch.multiprocessing
from torch.utils.data import DataLoader

torch.multiprocessing.set_sharing_strategy("file_system")


def unlearning(net, retain, forget, val):
    loader = DataLoader(retain.dataset, batch_size=64, num_workers=2, shuffle=True)
    assert sum(len(batch["image"]) for batch in loader) == len(retain.dataset)
    net.fc.bias.data += 1
