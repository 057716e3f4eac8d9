"""Saves and loads its network in that format."""

import io

import torch


def unlearning(net, retain, forget, val):
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    net.load_state_dict(torch.load(io.BytesIO(file.getvalue())))
