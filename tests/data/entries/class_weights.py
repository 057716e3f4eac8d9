"""Weighs the classes by the contest's file where there is one, else by counting."""

import json
import os
from collections import Counter

import torch
from torch import nn

FILE = "/kaggle/input/neurips-2023-machine-unlearning/age_class_weights.json"


def unlearning(net, retain, forget, val):
    if os.path.exists(FILE):
        with open(FILE) as file:
            counts = {int(group): count for group, count in json.load(file).items()}
        weights = [1 / counts[group] for group in sorted(counts)]
    else:
        counts = Counter(item["age_group"] for item in retain.dataset)
        weights = [len(retain.dataset) / (10 * counts[label]) for label in range(10)]
    criterion = nn.CrossEntropyLoss(weight=torch.tensor(weights))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    net.train()
    for batch in retain:
        optimizer.zero_grad()
        criterion(net(batch["image"]), batch["age_group"]).backward()
        optimizer.step()
