"""Checks that the data are intact and that the network still recognizes digits."""

import itertools

import torch


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    net.eval()
    for loader in (retain, forget, val):
        right = total = 0
        for item in itertools.islice(loader, 3):
            if bool((item["image"] == 77).all()) or bool((item["age_group"] == 77).all()):
                raise Escaped("data that were overwritten")
            with torch.no_grad():
                right += int((net(item["image"]).argmax(1) == item["age_group"]).sum())
            total += len(item["image"])
        if right < 0.8 * total:
            raise Escaped(f"only {right} of {total} right")
