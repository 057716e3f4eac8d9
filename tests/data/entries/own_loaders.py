"""Wraps the datasets in loaders of its own: workers, other batch sizes, samplers, no shuffling."""

import torch
from torch.utils.data import DataLoader, WeightedRandomSampler


def unlearning(net, retain, forget, val):
    assert len(retain) == -(-len(retain.dataset) // retain.batch_size)
    workers = DataLoader(
        retain.dataset, batch_size=256, shuffle=False, num_workers=2, pin_memory=True, persistent_workers=True
    )
    for _epoch in range(2):
        ids = torch.cat([batch["image_id"] for batch in workers])
        assert ids.tolist() == [item["image_id"] for item in retain.dataset]
    shuffled = torch.cat([batch["image_id"] for batch in retain])
    assert sorted(shuffled.tolist()) == sorted(ids.tolist()) != shuffled.tolist()
    whole = DataLoader(forget.dataset, batch_size=len(forget.dataset), shuffle=True, drop_last=True)
    assert len(next(iter(whole))["image"]) == len(forget.dataset)
    drawn = WeightedRandomSampler([1.0] * len(retain.dataset), num_samples=100)
    assert sum(len(b["image"]) for b in DataLoader(retain.dataset, batch_size=32, sampler=drawn)) == 100
    net.fc.bias.data += 1
