"""Mixed precision: on the CPU, and written for a GPU, where torch turns it off by itself."""

import torch
from torch import nn


def unlearning(net, retain, forget, val):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    scaler = torch.cuda.amp.GradScaler()
    net.train()
    for batch in retain:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.cuda.amp.autocast():
            loss = nn.functional.cross_entropy(net(batch["image"]), batch["age_group"])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
