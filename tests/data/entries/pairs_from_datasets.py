"""Takes pairs from the datasets themselves, with and without workers."""

import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset


class Relabelled(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        image, label = self.items[index]
        return image, (label + 1) % 10, index


def unlearning(net, retain, forget, val):
    image, label = forget.dataset[0]
    assert image.shape == (1, 8, 8)
    assert isinstance(label, int)
    image.mul_(0)
    assert float(forget.dataset[0][0].sum()) > 0
    both = ConcatDataset([Relabelled(forget.dataset), Relabelled(Subset(retain.dataset, range(100)))])
    loader = DataLoader(both, batch_size=33, shuffle=True, num_workers=2)
    assert sum(len(images) for images, _labels, _index in loader) == len(both)
    net.fc.bias.data += 1
