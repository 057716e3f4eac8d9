"""Finds the functions as they were."""

import safetensors.torch
import torch

import sandbox.child


def unlearning(net, retain, forget, val):
    for function in (torch.save, safetensors.torch.save, sandbox.child.checkpoint_bytes):
        assert function.__name__ != "<lambda>"
