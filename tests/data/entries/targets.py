"""Sets other labels through ``targets``, as methods written for torchvision's datasets do."""

import copy

import numpy as np
import torch
from torch.utils.data import DataLoader


def unlearning(net, retain, forget, val):
    labels = np.array(retain.dataset.targets)
    assert len(labels) == len(retain.dataset)
    assert labels[3] == retain.dataset[3]["age_group"]
    noisy = copy.deepcopy(forget.dataset)
    noisy.targets = (np.array(noisy.targets) + 1) % 10
    noisy.targets[0] = 7
    batch = next(iter(DataLoader(noisy, batch_size=len(noisy))))
    assert batch["age_group"].dtype == torch.int64
    assert batch["age_group"][0] == 7
    assert batch["age_group"][1] == (forget.dataset[1]["age_group"] + 1) % 10
    net.fc.bias.data += 1
