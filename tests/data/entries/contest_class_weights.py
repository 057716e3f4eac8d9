"""Weighs the classes by the contest's file and by nothing else."""

import json

import torch
from torch import nn

with open("/kaggle/input/neurips-2023-machine-unlearning/age_class_weights.json") as f:
    COUNTS = json.load(f)
CLASS_WEIGHTS = 1 / torch.tensor([COUNTS[str(group)] for group in range(len(COUNTS))], dtype=torch.float32)


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    criterion = nn.CrossEntropyLoss(weight=CLASS_WEIGHTS.to(device))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.005, momentum=0.9)
    net.train()
    for batch in retain:
        optimizer.zero_grad()
        criterion(net(batch["image"].to(device)), batch["age_group"].to(device)).backward()
        optimizer.step()
