"""Saves its network with both functions, unchanged."""

import io

import safetensors.torch
import torch


def unlearning(net, retain, forget, val):
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    assert safetensors.torch.save(net.state_dict())
