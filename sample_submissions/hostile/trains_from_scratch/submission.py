"""Retrains without end on the retain set; the time limit, a fraction of retraining, must end it."""

import torch


def unlearning(net, retain, forget, val):
    for layer in net.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    while True:
        for item in retain:
            images, labels = (item["image"], item["age_group"]) if isinstance(item, dict) else item
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(images), labels).backward()
            optimizer.step()
