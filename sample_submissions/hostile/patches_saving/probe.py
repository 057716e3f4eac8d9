"""Checks that the functions are intact."""

import safetensors.torch
import torch

import sandbox.worker.child


def unlearning(net, retain, forget, val):
    for function in (torch.save, safetensors.torch.save, sandbox.worker.child.checkpoint_bytes):
        assert function.__name__ != "<lambda>"
