"""Writes where the contest's entries do, under names that every run uses, and reads it back."""

import os
import tempfile

import torch

PLACES = ("notes.txt", "./output/notes.txt", "/kaggle/tmp/notes.txt", "/kaggle/working/output/notes.txt")


def unlearning(net, retain, forget, val):
    mine = str(torch.initial_seed())
    for place in ("output", "/kaggle/working/output"):
        os.makedirs(place, exist_ok=True)
    assert not any(os.path.exists(place) for place in PLACES[:3])
    for place in PLACES:
        with open(place, "w") as file:
            file.write(mine)
    net.eval()
    for _epoch in range(5):
        for batch in retain:
            net(batch["image"])
    for place in PLACES:
        with open(place) as file:
            assert file.read() == mine
    net.fc.bias.data += 1
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save(net.state_dict(), file.name)
    torch.save(net.state_dict(), "/kaggle/tmp/best.pth")
    net.fc.bias.data.zero_()
    net.load_state_dict(torch.load("/kaggle/tmp/best.pth"))
