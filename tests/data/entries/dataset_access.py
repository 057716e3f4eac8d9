"""Goes round the loaders: indexes the datasets, splits, joins and walks through them."""

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split


def unlearning(net, retain, forget, val):
    items = retain.dataset
    first = items[0]
    assert first["image"].shape == (1, 8, 8)
    assert isinstance(first["age_group"], int)
    for index in (np.int64(3), torch.tensor(3), 3 - len(items)):
        assert items[index]["image_id"] == items[3]["image_id"]
    assert len(list(items)) == len(items)
    some = Subset(items, np.random.permutation(len(items))[:50])
    both = ConcatDataset([items, forget.dataset])
    assert len(both) == len(items + forget.dataset) == len(items) + len(forget.dataset)
    ninety, ten = random_split(items, [0.9, 0.1])
    assert len(ninety) + len(ten) == len(items)
    for part in (some, both, ten):
        assert sum(len(batch["image"]) for batch in DataLoader(part, batch_size=16)) == len(part)
    items[0]["image"].add_(100)  # an item is the run's own, as one read from a file is
    assert float(items[0]["image"].max()) <= 1
    images = torch.stack([item["image"] for item in forget.dataset])
    assert images.shape == (len(forget.dataset), 1, 8, 8)
    net.fc.bias.data += 1
